/** Services of other people: how each is started, asked and watched. As plain data. */

/** What a client sends to a service, and what a service that works answers to it. */
export interface Exchange {
  readonly send: string | Uint8Array;
  /** Of the answer's first bytes, read as Latin-1. */
  readonly expects: RegExp;
}

/** A process of its own that tells the metrics of a service. */
export interface Exporter {
  readonly image: string;
  readonly port: number;
  /** @param host the name of the service's container */
  readonly command: (host: string) => readonly string[];
  readonly env?: (host: string) => Readonly<Record<string, string>>;
}

export interface Stranger {
  readonly name: string;
  /** A target of the Dockerfile beside this file. */
  readonly image: string;
  readonly port: number;
  readonly exchange: Exchange;
  /** The scheme of its `health`; without one, its image has a HEALTHCHECK. */
  readonly health?: "http" | "redis" | "postgres";
  /** Where its metrics are: an exporter, or its own page. */
  readonly metrics?: Exporter | "/metrics";
  readonly env?: Readonly<Record<string, string>>;
  readonly memoryMb: number;
}

const HTTP: Exchange = {
  send: "GET / HTTP/1.1\r\nHost: stranger\r\nConnection: close\r\n\r\n",
  expects: /^HTTP\/1\.[01] 200 /,
};

const nginx: Stranger = {
  name: "nginx",
  image: "nginx",
  port: 80,
  exchange: HTTP,
  health: "http",
  memoryMb: 96,
};

const redis: Stranger = {
  name: "redis",
  image: "redis",
  port: 6379,
  exchange: { send: "PING\r\n", expects: /^\+PONG/ },
  health: "redis",
  memoryMb: 96,
};

const postgres: Stranger = {
  name: "postgres",
  image: "postgres",
  port: 5432,
  // SSLRequest: what is behind it forks and answers with one letter.
  exchange: { send: Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47), expects: /^[NS]/ },
  health: "postgres",
  memoryMb: 160,
};

const memcached: Stranger = {
  name: "memcached",
  image: "memcached",
  port: 11211,
  exchange: { send: "version\r\n", expects: /^VERSION/ },
  memoryMb: 96,
};

const mosquitto: Stranger = {
  name: "mosquitto",
  image: "mosquitto",
  port: 1883,
  exchange: {
    // CONNECT of MQTT 3.1.1, with a clean session and no name.
    send: Uint8Array.of(16, 12, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 0),
    expects: /^\x20\x02/,
  },
  memoryMb: 96,
};

const nodeExporter: Stranger = {
  name: "node-exporter",
  image: "node-exporter",
  port: 9100,
  exchange: HTTP,
  health: "http",
  memoryMb: 96,
};

const python: Stranger = {
  name: "python",
  image: "python",
  port: 8080,
  exchange: HTTP,
  health: "http",
  memoryMb: 128,
};

const node: Stranger = {
  name: "node",
  image: "node",
  port: 8080,
  exchange: HTTP,
  health: "http",
  memoryMb: 160,
};

const java: Stranger = {
  name: "java",
  image: "java",
  port: 8080,
  exchange: HTTP,
  health: "http",
  memoryMb: 256,
};

const METRICS_ON = { METRICS: "on" };

/** Each as it comes, and with metrics where it or Debian has any. */
export const STRANGERS: readonly Stranger[] = [
  nginx,
  {
    ...nginx,
    name: "nginx+exporter",
    metrics: {
      image: "nginx-exporter",
      port: 9113,
      command: (host) => [
        "prometheus-nginx-exporter",
        `-nginx.scrape-uri=http://${host}/stub_status`,
      ],
    },
  },
  redis,
  {
    ...redis,
    name: "redis+exporter",
    metrics: {
      image: "redis-exporter",
      port: 9121,
      command: (host) => ["prometheus-redis-exporter", `-redis.addr=redis://${host}:6379`],
    },
  },
  postgres,
  {
    ...postgres,
    name: "postgres+exporter",
    metrics: {
      image: "postgres-exporter",
      port: 9187,
      command: () => ["prometheus-postgres-exporter"],
      env: (host) => ({
        DATA_SOURCE_NAME: `postgresql://postgres@${host}:5432/postgres?sslmode=disable`,
      }),
    },
  },
  memcached,
  mosquitto,
  nodeExporter,
  { ...nodeExporter, name: "node-exporter+metrics", metrics: "/metrics" },
  python,
  { ...python, name: "python+metrics", metrics: "/metrics", env: METRICS_ON },
  node,
  { ...node, name: "node+metrics", metrics: "/metrics", env: METRICS_ON },
  java,
];
