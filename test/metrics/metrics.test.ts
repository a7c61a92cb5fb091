import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { NodeMetrics } from '../../src/metrics/node-metrics.ts';
import { addNodeState, type NodeState } from '../../src/metrics/node-state.ts';
import { Readiness } from '../../src/metrics/readiness.ts';
import { readExposition, type Sample } from '../support/prometheus-text.ts';

const DEPLOY = path.resolve(import.meta.dirname, '../../deploy');

const STATE: NodeState = {
  queue: async () => ({ waiting: 4, retrying: 1, active: 2, dead: 3, oldestWaitingSeconds: 90 }),
  behind: async () => ({ waiting: 9, retrying: 0, active: 1, dead: 5, oldestWaitingSeconds: 1 }),
  disks: async () => ({ database: { freeBytes: 10, sizeBytes: 40 } }),
  spoolBytes: async () => 7,
  readiness: async () => ({ database: true, archive: false }),
  exits: async () => [{ exit: 'fhir', waiting: 3, failed: 1, oldestWaitingSeconds: 30 }],
};

function metricsOf(state: NodeState): NodeMetrics {
  const metrics = new NodeMetrics('1.2.3');
  addNodeState(metrics.registry, state);
  return metrics;
}

const scrape = async (metrics: NodeMetrics) => readExposition(await metrics.registry.metrics());

const valueOf = (samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}) =>
  samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;

describe('the metrics', () => {
  it('can be read as Prometheus reads them, and tell what was asked when they are scraped', async () => {
    const { samples, types } = await scrape(metricsOf(STATE));
    expect(types.get('pansegnet_stage_duration_seconds')).toBe('histogram');
    expect(valueOf(samples, 'pansegnet_queue_studies', { state: 'retrying' })).toBe(1);
    expect(valueOf(samples, 'pansegnet_queue_behind_studies', { state: 'dead' })).toBe(5);
    expect(valueOf(samples, 'pansegnet_queue_oldest_waiting_seconds')).toBe(90);
    expect(valueOf(samples, 'pansegnet_disk_free_bytes', { folder: 'database' })).toBe(10);
    expect(valueOf(samples, 'pansegnet_spool_bytes')).toBe(7);
    expect(valueOf(samples, 'pansegnet_ready', { part: 'archive' })).toBe(0);
    expect(valueOf(samples, 'pansegnet_build_info', { version: '1.2.3' })).toBe(1);
    expect(valueOf(samples, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  });

  it('count stages, failures and archive answers', async () => {
    const metrics = metricsOf(STATE);
    metrics.stageEnded({ stage: 'segment', class: 'T1W', seconds: 20 });
    metrics.attemptFailed({ code: 'DICOM_WEB_STATUS' }, true);
    metrics.attemptFailed({ code: 'DICOM_WEB_STATUS' }, false);
    metrics.archiveAnswered({ kind: 'store', ok: false, seconds: 0.3 });
    const { samples } = await scrape(metrics);
    const segment = { stage: 'segment', class: 'T1W' };
    expect(valueOf(samples, 'pansegnet_stage_duration_seconds_bucket', { ...segment, le: '10' })).toBe(0);
    expect(valueOf(samples, 'pansegnet_stage_duration_seconds_bucket', { ...segment, le: '30' })).toBe(1);
    const failed = { code: 'DICOM_WEB_STATUS', retried: 'false' };
    expect(valueOf(samples, 'pansegnet_study_failures_total', failed)).toBe(1);
    expect(valueOf(samples, 'pansegnet_studies_total', { outcome: 'failed' })).toBe(1);
    const store = { kind: 'store', outcome: 'error' };
    expect(valueOf(samples, 'pansegnet_archive_request_duration_seconds_count', store)).toBe(1);
  });

  it('of one node are not those of another in the same process', async () => {
    const [one, other] = [metricsOf(STATE), metricsOf(STATE)];
    one.attemptFailed({ code: 'X' }, false);
    expect(valueOf((await scrape(other)).samples, 'pansegnet_studies_total', { outcome: 'failed' })).toBe(0);
  });

  it('are absent where their source fails, and the others are still there', async () => {
    const broken = async () => {
      throw new Error('down');
    };
    const metrics = metricsOf({ ...STATE, queue: broken, behind: broken, disks: broken, spoolBytes: broken });
    const { samples } = await scrape(metrics);
    expect(valueOf(samples, 'pansegnet_queue_oldest_waiting_seconds')).toBeUndefined();
    expect(samples.some(({ name }) => /_(queue|disk|spool)_/.test(name))).toBe(false);
    expect(valueOf(samples, 'pansegnet_build_info')).toBe(1);
  });
});

describe('readiness', () => {
  it('asks once for many probes, tells changes once, and never rejects', async () => {
    let [asked, down] = [0, true];
    const told: unknown[] = [];
    const readiness = new Readiness({
      cacheMs: 60_000,
      changed: (look) => told.push(look),
      checks: {
        archive: async () => {
          asked += 1;
          if (down) throw new Error('down');
        },
        queue: async () => {},
      },
    });
    const looks = await Promise.all([readiness.look(), readiness.look()]);
    expect(asked).toBe(1);
    expect(looks[0]).toMatchObject([{ part: 'archive', error: { message: 'down' } }, { part: 'queue' }]);
    expect(told).toHaveLength(1);
    down = false;
    const fresh = new Readiness({ cacheMs: 0, changed: () => {}, checks: { archive: async () => {} } });
    expect(await fresh.look()).toEqual([{ part: 'archive' }]);
  });
});

const dashboardSchema = z.object({
  title: z.string(),
  uid: z.string(),
  panels: z
    .array(
      z.looseObject({
        title: z.string(),
        type: z.string(),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
        targets: z.array(z.looseObject({ expr: z.string() })).optional(),
      }),
    )
    .min(5),
});
const rulesSchema = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.object({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.object({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

describe('what is made of the metrics', () => {
  const dashboardFile = path.join(DEPLOY, 'grafana/pansegnet-node.json');
  const dashboard = dashboardSchema.parse(JSON.parse(readFileSync(dashboardFile, 'utf8')));
  const RULES = ['pansegnet-node-arrivals.rules.yml', 'pansegnet-node.rules.yml'];
  const groups = RULES.flatMap((file) => {
    const text = readFileSync(path.join(DEPLOY, 'prometheus', file), 'utf8');
    return rulesSchema.parse(parse(text)).groups;
  });

  /** Names in an expression, without what Prometheus adds to a histogram's. */
  const namesIn = (expression: string): string[] =>
    [...expression.matchAll(/\b(?:pansegnet|process|nodejs)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
  const unknownNames = (expressions: readonly string[], known: readonly string[]): string[] =>
    expressions.flatMap(namesIn).filter((name) => !known.includes(name));

  it('the dashboard and the alert rules name metrics that there are', async () => {
    const metrics = metricsOf(STATE);
    const known = metrics.registry.getMetricsAsArray().map(({ name }) => name);
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const alerted = groups.flatMap((group) => group.rules.map(({ expr }) => expr));
    expect(shown.length).toBeGreaterThan(8);
    expect(unknownNames([...shown, ...alerted], known)).toEqual([]);
    expect(unknownNames(['rate(pansegnet_nonsense_total[5m])'], known)).toHaveLength(1);
    // Every metric of our own is on the dashboard.
    const own = known.filter((name) => name.startsWith('pansegnet_'));
    expect(own.filter((name) => !shown.flatMap(namesIn).includes(name))).toEqual([]);
  });

  it('only known labels are asked for, so that no panel stays empty for a typing error', () => {
    const expressions = [
      ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...groups.flatMap((group) => group.rules.map(({ expr }) => expr)),
    ];
    const values = {
      state: ['waiting', 'retrying', 'active', 'dead', 'failed'],
      outcome: ['done', 'skipped', 'failed', 'ok', 'error'],
    };
    for (const [label, allowed] of Object.entries(values)) {
      const used = expressions.flatMap((expr) => [...expr.matchAll(new RegExp(`${label}=~?"([^"]+)"`, 'g'))]);
      for (const [, value = ''] of used) for (const one of value.split('|')) expect(allowed).toContain(one);
    }
  });

  it('panels do not lie on one another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('nothing else lies in their folders', () => {
    expect(readdirSync(path.join(DEPLOY, 'grafana'))).toEqual(['pansegnet-node.json']);
    expect(readdirSync(path.join(DEPLOY, 'prometheus'))).toEqual(RULES);
  });
});
