import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StageEnd } from '../pipeline/run/stages.ts';
import type { QueueFigures } from '../queue/queue-figures.ts';
import type { MeasuredVolume } from '../store/records/volume-record.ts';
import type { DiskSpace } from './disk-space.ts';
import type { ArchiveAnswer } from './timed-archive.ts';

/** What is asked for at each scrape. Where one fails, its metrics are absent and the others are there. */
export interface MetricSources {
  readonly version: string;
  readonly queue: () => Promise<QueueFigures>;
  /** Where the node writes, by a name such as `database`: the label of the metric. */
  readonly disks: () => Promise<Readonly<Record<string, DiskSpace>>>;
  /** Bytes of received instances that are not yet in the archive. */
  readonly spoolBytes: () => Promise<number>;
  /** Whether each part that the work needs can be used. */
  readonly readiness: () => Promise<Readonly<Record<string, boolean>>>;
}

/** How the work on a study ended. */
export type StudyOutcome = 'done' | 'skipped' | 'failed';

/** From a header that is read to an abdomen that five folds segment on a slow machine, in seconds. */
const STAGE_BUCKETS = [0.05, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
/** From a QIDO-RS answer on the same machine to a series from a tape, in seconds. */
const ARCHIVE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/**
 * The node's metrics, in a registry of their own. Labels hold classes, codes and names of models: never
 * anything that identifies a patient or a study.
 */
export class NodeMetrics {
  readonly registry = new Registry();
  readonly #stages: Histogram<'stage' | 'class'>;
  readonly #failures: Counter<'code' | 'retried'>;
  readonly #studies: Counter<'outcome'>;
  readonly #results: Counter<'model' | 'class' | 'finding'>;
  readonly #archive: Histogram<'kind' | 'outcome'>;

  constructor(sources: MetricSources) {
    const registers = [this.registry];
    this.#stages = new Histogram({
      name: 'pansegnet_stage_duration_seconds',
      help: 'How long the stages of a run took, by what the series was taken for.',
      labelNames: ['stage', 'class'],
      buckets: STAGE_BUCKETS,
      registers,
    });
    this.#failures = new Counter({
      name: 'pansegnet_study_failures_total',
      help: 'Attempts on a study that failed, by the code of the failure and whether it is tried again.',
      labelNames: ['code', 'retried'],
      registers,
    });
    this.#studies = new Counter({
      name: 'pansegnet_studies_total',
      help: 'Studies whose work has ended: done, skipped (nothing suitable) or failed for good.',
      labelNames: ['outcome'],
      registers,
    });
    this.#results = new Counter({
      name: 'pansegnet_results_total',
      help: 'Segmented series, by model and by whether a pancreas was found.',
      labelNames: ['model', 'class', 'finding'],
      registers,
    });
    this.#archive = new Histogram({
      name: 'pansegnet_archive_request_duration_seconds',
      help: 'How long the archive let requests wait, by kind of request and outcome.',
      labelNames: ['kind', 'outcome'],
      buckets: ARCHIVE_BUCKETS,
      registers,
    });
    for (const outcome of ['done', 'skipped', 'failed'] as const) this.#studies.inc({ outcome }, 0);
    addBuildInfo(this.registry, sources.version);
    addQueue(this.registry, sources.queue);
    addStorage(this.registry, sources);
    addReadiness(this.registry, sources.readiness);
    collectDefaultMetrics({ register: this.registry });
  }

  stageEnded({ stage, class: seriesClass, seconds }: StageEnd): void {
    this.#stages.observe({ stage, class: seriesClass }, seconds);
  }

  archiveAnswered({ kind, ok, seconds }: ArchiveAnswer): void {
    this.#archive.observe({ kind, outcome: ok ? 'ok' : 'error' }, seconds);
  }

  attemptFailed({ code }: { readonly code: string }, again: boolean): void {
    this.#failures.inc({ code, retried: String(again) });
    if (!again) this.#studies.inc({ outcome: 'failed' });
  }

  studyEnded(outcome: Exclude<StudyOutcome, 'failed'>, volumes: readonly MeasuredVolume[]): void {
    this.#studies.inc({ outcome });
    for (const { model, class: seriesClass, seg } of volumes) {
      this.#results.inc({ model: model.name, class: seriesClass, finding: seg ? 'pancreas' : 'nothing' });
    }
  }
}

/** A sample of a gauge: its labels and its value. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** A gauge that is asked for when the node is scraped; where asking fails, it has no sample. */
function addGauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  ask: () => Promise<readonly Sample[]>,
): void {
  const gauge = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    async collect() {
      const samples = await ask().catch(() => []);
      this.reset();
      // What a gauge without labels is reset to is 0, which would be a sample.
      if (labelNames.length === 0) this.remove();
      for (const [labels, value] of samples) this.set(labels, value);
    },
  });
  registry.registerMetric(gauge);
}

function addBuildInfo(registry: Registry, version: string): void {
  const help = 'Always 1; the labels tell what runs.';
  addGauge(registry, 'pansegnet_build_info', help, ['version', 'node'], async () => [
    [{ version, node: process.versions.node }, 1],
  ]);
}

function addQueue(registry: Registry, figures: MetricSources['queue']): void {
  const states = 'Studies in the queue: waiting, retrying (after a failure), active, dead (failed for good).';
  addGauge(registry, 'pansegnet_queue_studies', states, ['state'], async () => {
    const { oldestWaitingSeconds: _age, ...counts } = await figures();
    return Object.entries(counts).map(([state, count]) => [{ state }, count]);
  });
  const age = 'How long the study has waited that has waited longest; 0 where none waits.';
  addGauge(registry, 'pansegnet_queue_oldest_waiting_seconds', age, [], async () => [
    [{}, (await figures()).oldestWaitingSeconds],
  ]);
}

function addStorage(registry: Registry, { disks, spoolBytes }: MetricSources): void {
  const spaces = async (bytes: keyof DiskSpace) =>
    Object.entries(await disks()).map(([folder, space]): Sample => [{ folder }, space[bytes]]);
  const free = 'What is free for the node on the file system that a folder of it is on.';
  addGauge(registry, 'pansegnet_disk_free_bytes', free, ['folder'], () => spaces('freeBytes'));
  const size = 'Size of the file system that a folder of the node is on.';
  addGauge(registry, 'pansegnet_disk_size_bytes', size, ['folder'], () => spaces('sizeBytes'));
  const spool = 'Received instances that are not in the archive yet.';
  addGauge(registry, 'pansegnet_spool_bytes', spool, [], async () => [[{}, await spoolBytes()]]);
}

function addReadiness(registry: Registry, readiness: MetricSources['readiness']): void {
  const help = '1 where the part can be used, 0 where it cannot: database, archive, models, queue.';
  addGauge(registry, 'pansegnet_ready', help, ['part'], async () =>
    Object.entries(await readiness()).map(([part, ok]) => [{ part }, ok ? 1 : 0]),
  );
}
