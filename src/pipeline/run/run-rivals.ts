import { expectVolume } from '../../segmentation/segment.ts';
import { wasWithdrawn } from '../../store/records/history.ts';
import { fixedTime, type Run } from '../../store/records/run-log.ts';
import { reissueOf } from '../../store/records/study-identity.ts';
import type { MeasuredVolume } from '../../store/records/volume-record.ts';
import { holdContest, type Look, type RankedSeries } from './contest.ts';
import { takeCorrection } from './corrections.ts';
import { createResults, type SegmentedSeries, warningsOf } from './create-results.ts';
import { findPancreas } from './find-pancreas.ts';
import { keptLooks } from './kept-looks.ts';
import { lookAt, lookQuickly } from './look.ts';
import { retrieveSeries } from './retrieve-series.ts';
import { type Rivals, remarksOf } from './rivals.ts';
import type { RunParts } from './run-parts.ts';
import { pastOf, recordFinding, recordInHistoryAlone, trackingUidOf } from './run-record.ts';
import { type RunStage, type StageClock } from './stages.ts';
import { type StandingResult, standingResult, standingWork } from './standing-result.ts';
import { storeResults, verifyStored } from './store-results.ts';

/** What the classes of a study have in common. */
export interface StudyContext {
  readonly run: Run;
  /** Series of SEGs in the study that the node did not write. */
  readonly segmentations: readonly string[];
  /** See `StudyToRun.restate`. */
  readonly restate: boolean;
  /** Whether no other class comes after this one. */
  readonly isLast: boolean;
  readonly parts: RunParts;
  readonly clock: StageClock;
}

/**
 * One class: its best series is segmented, or the first that its pixels bear out, and the results of it are
 * published.
 */
export async function runRivals(rivals: Rivals<RankedSeries>, context: StudyContext) {
  const { run, restate, parts, clock } = context;
  const stageOf = (series: RankedSeries) => clock.about(series.description, series.class);
  const outcome = await holdContest({
    ...rivals,
    ...keptLooks(run, restate, parts),
    segment: (series) => segmentSeries(series, context, stageOf(series)),
    quickly: async (series) => (restate ? undefined : lookQuickly(series, run, parts, stageOf(series))),
  });
  const { winner } = outcome;
  if (!winner) return { outcome };
  const work = { ...winner.work, remarks: remarksOf(outcome) };
  return { outcome, volume: await publish(work, context, stageOf(winner.series)) };
}

/** One series: retrieve, volume, segment; or what stands of it. */
async function segmentSeries(
  series: RankedSeries,
  { run, restate, parts, isLast }: StudyContext,
  stage: RunStage,
): Promise<SegmentedWork> {
  const { archive, models, inference } = parts;
  const inUse = await models.load(series.class);
  if (!restate && parts.mode !== 'exact') expectVolume(inUse, inference);
  const builder = await stage('retrieve', (_, signal) => retrieveSeries(archive, run, series, signal));
  const source = await stage('volume', async () => builder.finish());
  const { name: part, formerName: formerPart } = series.part ?? {};
  const { model, mode, isAlone } = restate
    ? await standingWork({ source, part, model: inUse }, series.class, run, parts)
    : { model: inUse, mode: parts.mode, isAlone: false };
  const images = { source, part, formerPart, phase: series.phase, model, mode };
  const standing = restate ? await standingResult(images, run, parts, stage) : undefined;
  await parts.turn?.begin();
  if (isLast) parts.turn?.beginsLast();
  const found = standing?.found ?? (await findPancreas(source.volume, model, { ...inference, mode }, stage));
  return { ...images, ...found, standing, isAlone, ...lookAt(source.volume, found) };
}

/** Measure, results, store, verify, record; then what a reader made of it. */
async function publish(work: SegmentedWork, context: StudyContext, stage: RunStage): Promise<MeasuredVolume> {
  const { run, segmentations, parts } = context;
  const { archive, database, settings, now } = parts;
  await parts.turn?.begin();
  const { studyInstanceUid } = run;
  // What is in the history alone has no report that could say what is known now of the patient.
  if (parts.historyAlone || work.isAlone)
    return stage('record', () => recordInHistoryAlone(work, run, parts));
  const firstTime = (name: string) => fixedTime(database, name, now());
  const { standing, source } = work;
  // What was withdrawn stays so: no report takes its place.
  if (standing?.volume.withdrawn) return standing.volume;
  const reissue = standing ? standing.reissue : await reissueOf(database, studyInstanceUid);
  const trackingUid = await trackingUidOf(source, run, parts);
  const finding = { ...work, ...(reissue === undefined ? {} : { reissue }), trackingUid };
  const past = await pastOf(finding, run, parts);
  const results = await stage('results', () => createResults(finding, past, settings, firstTime));
  for (const warning of warningsOf(finding, results)) parts.warn({ studyInstanceUid }, warning);
  const isWithdrawn = await wasWithdrawn(database, results.report.sopInstanceUid);
  // An archive may have deleted what was withdrawn; it is not to come back.
  if (!isWithdrawn) await parts.beforeStoring?.(studyInstanceUid);
  if (!isWithdrawn)
    await stage('store', (_, signal) => storeResults(results, studyInstanceUid, parts, signal));
  if (!isWithdrawn)
    await stage('verify', (_, signal) => verifyStored(results, finding, studyInstanceUid, archive, signal));
  const former = standing?.volume.report;
  const volume = await stage('record', () => recordFinding(finding, results, past, run, parts, former));
  if (!isWithdrawn) {
    await stage('corrections', (_, signal) =>
      takeCorrection(segmentations, finding, past, volume, run, parts, signal),
    );
    await parts.recorded?.(volume, source);
  }
  return volume;
}

/** A segmented series, and what of it stands in the history. */
interface SegmentedWork extends SegmentedSeries, Look {
  readonly standing: StandingResult | undefined;
  /** See `StandingWork`. */
  readonly isAlone: boolean;
}
