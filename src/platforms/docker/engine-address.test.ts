import { describe, expect, test } from "bun:test";
import { SentinelError } from "../../core/errors.ts";
import { parseAddress, renderAddress } from "./engine-address.ts";

describe("addresses that the docker command takes", () => {
  test.each([
    ["unix:///var/run/docker.sock", false, "unix:///var/run/docker.sock"],
    ["UNIX:///run/user/1000/docker.sock", false, "unix:///run/user/1000/docker.sock"],
    ["tcp://host", false, "tcp://host:2375"],
    ["tcp://host", true, "tcp://host:2376"],
    ["tcp://host:80", false, "tcp://host:80"],
    ["tcp://host:1234/", true, "tcp://host:1234"],
    ["tcp://host:1234/engine/a", false, "tcp://host:1234/engine/a"],
    ["tcp://[::1]:2375", false, "tcp://[::1]:2375"],
    ["tcp://[::1]", true, "tcp://[::1]:2376"],
    ["127.0.0.1:2375", false, "tcp://127.0.0.1:2375"],
    ["ssh://me@host:2222", false, "ssh://me@host:2222"],
    ["ssh://host/run/docker.sock", false, "ssh://host/run/docker.sock"],
  ])("%s, TLS %p: %s", (text, isTls, expected) => {
    expect(renderAddress(parseAddress(text, isTls, "DOCKER_HOST"))).toBe(expected);
  });
});

describe("addresses that it does not take", () => {
  test.each([
    ["/var/run/docker.sock", "Write unix:///var/run/docker.sock."],
    ["npipe:////./pipe/docker_engine", "under WSL write unix:///var/run/docker.sock."],
    ["unix://docker.sock", "Write the socket's whole path"],
    ["unix://", "Write the socket's whole path"],
    ["http://host:2375", "Write tcp://host:port, with DOCKER_TLS_VERIFY=1 for TLS."],
    ["https://host:2376", "Write tcp://host:port, with DOCKER_TLS_VERIFY=1 for TLS."],
    ["tcp://", "Write tcp://host:port."],
    ["tcp://:2375", "Write tcp://host:port."],
    ["tcp://host:99999", "Write tcp://host:port."],
    ["tcp://me:s3cret@host:2375", "An engine takes no user or password"],
    ["ssh://me:s3cret@host", "ssh takes no password here"],
    ["ssh://-oProxyCommand=x@host", "Write ssh://user@host"],
    ["ssh://", "Write ssh://user@host"],
    ["fd://", "Write unix:///path, tcp://host:port or ssh://user@host."],
    ["docker", "Write unix:///path, tcp://host:port or ssh://user@host."],
    ["me:s3cret@host:2375", "Write unix:///path, tcp://host:port or ssh://user@host."],
  ])("%s", (text, hint) => {
    let thrown: unknown;
    try {
      parseAddress(text, false, "DOCKER_HOST");
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SentinelError);
    expect(thrown).toMatchObject({ code: "configuration", hint: expect.stringContaining(hint) });
    expect(thrown).toMatchObject({ message: expect.stringMatching(/^DOCKER_HOST cannot be /) });
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain("s3cret");
  });
});
