import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { ArchiveAnswer } from '../dicom/web/archive-access.ts';
import type { StageEnd } from '../pipeline/run/stages.ts';
import type { MeasuredVolume } from '../store/records/volume-record.ts';
import { addGauge } from './gauge.ts';

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
  readonly #orders: Counter<'worklist' | 'outcome'>;
  readonly #deliveries: Counter<'exit' | 'outcome'>;

  /** @param version of the program */
  constructor(version: string) {
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
    this.#orders = new Counter({
      name: 'pansegnet_orders_total',
      help: 'Orders (workitems) that were claimed, and how those ended that are over.',
      labelNames: ['worklist', 'outcome'],
      registers,
    });
    this.#deliveries = new Counter({
      name: 'pansegnet_result_deliveries_total',
      help: 'Tries to send a result to another system: sent, failed for good, or later (it is tried again).',
      labelNames: ['exit', 'outcome'],
      registers,
    });
    for (const outcome of ['done', 'skipped', 'failed'] as const) this.#studies.inc({ outcome }, 0);
    addBuildInfo(this.registry, version);
    collectDefaultMetrics({ register: this.registry });
  }

  stageEnded({ stage, class: seriesClass, seconds }: StageEnd): void {
    this.#stages.observe({ stage, class: seriesClass }, seconds);
  }

  /** @param exit the name that the configuration has for the other system */
  resultDelivered(exit: string, outcome: 'sent' | 'failed' | 'later'): void {
    this.#deliveries.inc({ exit, outcome });
  }

  archiveAnswered({ kind, ok, seconds }: ArchiveAnswer): void {
    this.#archive.observe({ kind, outcome: ok ? 'ok' : 'error' }, seconds);
  }

  attemptFailed({ code }: { readonly code: string }, again: boolean): void {
    this.#failures.inc({ code, retried: String(again) });
    if (!again) this.#studies.inc({ outcome: 'failed' });
  }

  /** @param event.what claimed, or how the order ended */
  orderEvent({
    order,
    what,
  }: {
    readonly order: { readonly worklist: string };
    readonly what: string;
  }): void {
    this.#orders.inc({ worklist: order.worklist === '' ? 'own' : 'other', outcome: what.toLowerCase() });
  }

  studyEnded(outcome: Exclude<StudyOutcome, 'failed'>, volumes: readonly MeasuredVolume[]): void {
    this.#studies.inc({ outcome });
    for (const { model, class: seriesClass, seg } of volumes) {
      this.#results.inc({ model: model.name, class: seriesClass, finding: seg ? 'pancreas' : 'nothing' });
    }
  }
}

function addBuildInfo(registry: Registry, version: string): void {
  const help = 'Always 1; the labels tell what runs.';
  addGauge(registry, 'pansegnet_build_info', help, ['version', 'node'], async () => [
    [{ version, node: process.versions.node }, 1],
  ]);
}
