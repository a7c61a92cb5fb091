import type { Mode } from '../inference-mode.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import { volumesOfStudies } from '../store/records/history.ts';
import { optOutReason } from '../store/records/opt-out.ts';
import { beginRun, closeRun } from '../store/records/run-log.ts';
import { differentPatients } from '../store/records/study-identity.ts';
import type { MeasuredVolume, VolumeRecord } from '../store/records/volume-record.ts';
import type { RankedSeries } from './run/contest.ts';
import { listStudy } from './run/list-study.ts';
import { MODALITY_OF } from './run/models.ts';
import type { RunParts } from './run/run-parts.ts';
import { runRivals } from './run/run-rivals.ts';
import { StageClock } from './run/stages.ts';
import { SEGMENTED_CLASSES } from './selection/rules.ts';
import { selectSeries } from './selection/select.ts';

export interface StudyToRemeasure {
  readonly studyInstanceUid: string;
  readonly model: Model;
  readonly mode: Mode;
}

export interface Remeasured {
  readonly volumes: readonly MeasuredVolume[];
  /** Why there are none, in plain words. */
  readonly skipped?: string;
}

/**
 * Measures the images again that volumes of the history were measured in, by another model or in another
 * mode. What comes of it is kept in the history alone, beside what stands there; the archive hears nothing of
 * it, and the study is as done as it was.
 * @throws the failure of a series, when the others were measured
 */
export async function remeasureStudy(
  { studyInstanceUid, model, mode }: StudyToRemeasure,
  parts: RunParts,
  signal?: AbortSignal,
): Promise<Remeasured> {
  const { database, rules, identities, onProgress, onStageEnd: onEnd, stageLimits: limits, now } = parts;
  const seriesClass = SEGMENTED_CLASSES.find((one) => MODALITY_OF[one] === model.info.modality);
  const wanted = seriesClass ? await toMeasureAgain(parts, studyInstanceUid, { model, mode }) : [];
  if (!seriesClass || wanted.length === 0) return { volumes: [], skipped: 'it is measured already' };
  const clock = new StageClock({ onProgress, onEnd, limits, signal });
  const stage = clock.about(studyInstanceUid);
  const { candidates, segmentations, patients, fingerprint } = await stage('list series', (_, limited) =>
    listStudy(studyInstanceUid, parts, limited),
  );
  const optedOut = await optOutReason(database, studyInstanceUid, patients);
  if (optedOut) return { volumes: [], skipped: optedOut };
  if (differentPatients(patients, identities)) {
    return { volumes: [], skipped: 'its images name two patients' };
  }
  const decisions = await stage('select', async () => selectSeries(candidates, rules));
  const requestId = `measured again ${model.sha256} ${mode}`;
  const run = await beginRun(database, { studyInstanceUid, fingerprint, requestId, now: now() });
  const only = { has: (name: string) => name === seriesClass, load: async () => model };
  const alone: RunParts = { ...parts, models: only, mode, looks: 0, historyAlone: true };

  const volumes: MeasuredVolume[] = [];
  const failures: unknown[] = [];
  for (const [at, { seriesInstanceUid, part }] of wanted.entries()) {
    const found = decisions.find(
      (one) => one.seriesInstanceUid === seriesInstanceUid && (one.part?.name ?? '') === part,
    );
    // The archive has it no more, or has it otherwise.
    if (!found) continue;
    const series: RankedSeries = { ...found, class: seriesClass, certainty: 'yes' };
    const isLast = at === wanted.length - 1;
    const context = { run, segmentations, restate: false, isLast, parts: alone, clock };
    try {
      const rivals = { class: seriesClass, ranked: [series], looks: 0 };
      const { volume } = await runRivals(rivals, context);
      if (volume) volumes.push(volume);
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  await closeRun(database, run, { outcome: 'done', now: now() });
  return { volumes };
}

/** What stands in the history of the model's kind of images, and was not measured so. */
async function toMeasureAgain(
  { database }: Pick<RunParts, 'database'>,
  studyInstanceUid: string,
  { model, mode }: Pick<StudyToRemeasure, 'model' | 'mode'>,
): Promise<VolumeRecord[]> {
  const { name, version, modality } = model.info;
  const all = (await volumesOfStudies(database, [studyInstanceUid])).filter((one) => one.class === modality);
  const placeOf = ({ seriesInstanceUid, part }: VolumeRecord) => `${seriesInstanceUid} ${part}`;
  const isMeasured = ({ model: its }: VolumeRecord) =>
    its.name === name && its.version === version && its.sha256 === model.sha256 && its.mode === mode;
  const measured = new Set(all.filter(isMeasured).map(placeOf));
  const wanted = all.filter((one) => !one.withdrawn && !measured.has(placeOf(one)));
  return [...new Map(wanted.map((one) => [placeOf(one), one])).values()];
}
