/** What well-known public rule sets ask, as they were read in 2026: their expressions, in rules of our own. */

const FS = 'job="node",fstype!="",mountpoint!=""';
const AM = 'job="alertmanager-main",namespace="monitoring"';
const SLOTH = 'sloth_id="shop-availability",sloth_service="shop",sloth_slo="availability"';

/** Of one set: how an alert's text says its value, and the expressions of its alerts. */
interface PublicSet {
  readonly text: string;
  readonly alerts: readonly string[];
  readonly recordings?: Readonly<Record<string, string>>;
}

const burns = (window: string) =>
  `(sum(rate(http_request_duration_seconds_count{job="shop",code=~"(5..|429)"}[${window}])))\n/\n(sum(rate(http_request_duration_seconds_count{job="shop"}[${window}])))\n`;
const ratio = (window: string, factor: string) =>
  `(slo:sli_error:ratio_rate${window}{${SLOTH}} > (${factor} * 0.0009999999999999432))`;

export const PUBLIC_SETS: Readonly<Record<string, PublicSet>> = {
  "node-mixin": {
    text: 'has only {{ printf "%.2f" $value }}% available at {{ $labels.instance }}',
    alerts: [
      `(\n  node_filesystem_avail_bytes{${FS}} / node_filesystem_size_bytes{${FS}} * 100 < 40\nand\n  predict_linear(node_filesystem_avail_bytes{${FS}}[6h], 24*60*60) < 0\nand\n  node_filesystem_readonly{${FS}} == 0\n)\n`,
      'rate(node_network_receive_errs_total{job="node"}[2m]) / rate(node_network_receive_packets_total{job="node"}[2m]) > 0.01',
      '(node_nf_conntrack_entries{job="node"} / node_nf_conntrack_entries_limit) > 0.75',
      '(\n  node_timex_offset_seconds{job="node"} > 0.05\nand\n  deriv(node_timex_offset_seconds{job="node"}[5m]) >= 0\n)\nor\n(\n  node_timex_offset_seconds{job="node"} < -0.05\nand\n  deriv(node_timex_offset_seconds{job="node"}[5m]) <= 0\n)\n',
      'node_md_disks_required{job="node",device!=""} - ignoring (state) (node_md_disks{state="active",job="node",device!=""}) > 0',
      'sum without(mode) (avg without (cpu) (rate(node_cpu_seconds_total{job="node", mode!="idle"}[2m]))) * 100 > 90',
      'node_load1{job="node"}\n/ count without (cpu, mode) (node_cpu_seconds_total{job="node", mode="idle"}) > 2',
      '100 - (node_memory_MemAvailable_bytes{job="node"} / node_memory_MemTotal_bytes{job="node"} * 100) > 90',
    ],
  },
  "alertmanager-mixin": {
    text: "{{ $labels.namespace }}/{{ $labels.pod}} failed to send {{ $value | humanizePercentage }} to {{ $labels.integration\n}}",
    alerts: [
      `# Without max_over_time, failed scrapes could create false negatives\nmax_over_time(alertmanager_config_last_reload_successful{${AM}}[5m]) == 0`,
      `  max_over_time(alertmanager_cluster_members{${AM}}[5m])\n< on (namespace,service) group_left\n  count by (namespace,service) (max_over_time(alertmanager_cluster_members{${AM}}[5m]))\n`,
      `min by (namespace,service, integration) (\n  rate(alertmanager_notifications_failed_total{${AM}, integration=~\`.*\`}[5m])\n/\n  rate(alertmanager_notifications_total{${AM}, integration=~\`.*\`}[5m])\n)\n> 0.01`,
      `count by (namespace,service) (\n  count_values by (namespace,service) ("config_hash", alertmanager_config_hash{${AM}})\n)\n!= 1`,
      `(\n  count by (namespace,service) (\n    changes(process_start_time_seconds{${AM}}[10m]) > 4\n  )\n/\n  count by (namespace,service) (\n    up{${AM}}\n  )\n)\n>= 0.5`,
    ],
  },
  sloth: {
    text: "(page) {{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is too fast.",
    recordings: {
      ...Object.fromEntries(
        ["5m", "30m", "1h", "2h", "6h", "1d", "3d"].map((window) => [
          `slo:sli_error:ratio_rate${window}`,
          burns(window),
        ]),
      ),
      "slo:sli_error:ratio_rate30d": `sum_over_time(slo:sli_error:ratio_rate5m{${SLOTH}}[30d])\n/ ignoring (sloth_window)\ncount_over_time(slo:sli_error:ratio_rate5m{${SLOTH}}[30d])\n`,
      "slo:error_budget:ratio": "vector(1-0.9990000000000001)",
      "slo:period_burn_rate:ratio": `slo:sli_error:ratio_rate30d{${SLOTH}}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{${SLOTH}}\n`,
    },
    alerts: [
      `(\n    ${ratio("5m", "14.4")}\n    and ignoring (sloth_window)\n    ${ratio("1h", "14.4")}\n)\nor ignoring (sloth_window)\n(\n    ${ratio("30m", "6")}\n    and ignoring (sloth_window)\n    ${ratio("6h", "6")}\n)\n`,
    ],
  },
  "cert-manager-mixin": {
    text: "The cert `{{ $labels.name }}` is {{ $value | humanizeDuration }} from expiry",
    alerts: [
      'absent(up{job="cert-manager"})',
      "avg by (exported_namespace, namespace, name) (\n  certmanager_certificate_expiration_timestamp_seconds - time()\n) < (21 * 24 * 3600) # 21 days in seconds\n",
      'max by (name, exported_namespace, namespace, condition) (\n  certmanager_certificate_ready_status{condition!="True"} == 1\n)',
      'sum by (host) (\n  rate(certmanager_http_acme_client_request_count{status="429"}[5m])\n) > 0',
    ],
  },
  "mysqld-mixin": {
    text: "{{$labels.job}} on {{$labels.instance}} is not in sync ({{$value}} != 4).",
    alerts: [
      "mysql_up != 1",
      "(mysql_global_status_wsrep_local_state != 4 and mysql_global_variables_wsrep_desync == 0)",
      "mysql_slave_status_slave_io_running == 0 or mysql_slave_status_slave_sql_running == 0",
      "(instance:mysql_slave_lag_seconds > 30) and on(instance) (predict_linear(instance:mysql_slave_lag_seconds[5m], 60 * 2) > 0)",
      "rate(mysql_global_status_innodb_log_waits[15m]) > 10",
    ],
  },
  "blackbox-exporter-mixin": {
    text: "Actual time left: {{ $value | humanizeDuration }}, https://grafana.example/d/x?var-instance={{\n  $labels.instance }}",
    alerts: [
      'probe_success{job="blackbox-exporter"} == 0',
      'avg_over_time(probe_success{job="blackbox-exporter"}[30d]) * 100 < 99.900000000000006',
      'probe_ssl_earliest_cert_expiry{job="blackbox-exporter"} - time() < 21 * 24 * 3600',
    ],
  },
  "memcached-mixin": {
    text: '{{ $labels.job }} / {{ $labels.instance }} connection usage is at {{ printf "%0.0f" $value }}%',
    alerts: [
      "memcached_up == 0",
      "(memcached_current_connections / memcached_max_connections * 100) > 80",
    ],
  },
  "kube-state-metrics-mixin": {
    text: "errors at an elevated rate in list operations",
    alerts: [
      '(sum(rate(kube_state_metrics_list_total{job="kube-state-metrics",result="error"}[5m]))\n  /\nsum(rate(kube_state_metrics_list_total{job="kube-state-metrics"}[5m])))\n> 0.01',
    ],
  },
  "coredns-mixin": {
    text: "99th percentile latency of {{ $value }} seconds for server {{ $labels.server }} zone {{ $labels.zone }} .",
    alerts: [
      'absent(up{job="kube-dns"} == 1)',
      'histogram_quantile(0.99, sum(rate(coredns_dns_request_duration_seconds_bucket{job="kube-dns"}[5m])) by(server, zone, le)) > 4',
      'sum(rate(coredns_dns_response_rcode_count_total{job="kube-dns",rcode="SERVFAIL"}[5m]))\n  /\nsum(rate(coredns_dns_response_rcode_count_total{job="kube-dns"}[5m])) > 0.03',
    ],
  },
};
