import { announceWrongComparisons } from '../store/arrivals/wrong-comparisons.ts';
import { recordDecisionDetails } from '../store/records/decision-details.ts';
import { wasWithdrawn } from '../store/records/history.ts';
import { optOutReason } from '../store/records/opt-out.ts';
import { giveUpComparisons } from '../store/records/report-priors.ts';
import { moveReviews } from '../store/records/reviews.ts';
import { beginRun, finishRun, fixedTime, type Run, recordDecisions } from '../store/records/run-log.ts';
import { namedPatient, recordIgnoredIdentities, reissueOf } from '../store/records/study-identity.ts';
import type { MeasuredVolume } from '../store/records/volume-record.ts';
import { describeFailure } from './failures.ts';
import { holdContest, type Look, type RankedSeries } from './run/contest.ts';
import { takeCorrection } from './run/corrections.ts';
import { createResults, type SegmentedSeries, warningsOf } from './run/create-results.ts';
import { findPancreas } from './run/find-pancreas.ts';
import { keptLooks } from './run/kept-looks.ts';
import { listStudy } from './run/list-study.ts';
import { lookAt, lookQuickly } from './run/look.ts';
import { checkOnePatient } from './run/one-patient.ts';
import { retrieveSeries } from './run/retrieve-series.ts';
import { contests, hasWon, type Rivals, remarksOf, settled } from './run/rivals.ts';
import type { RunParts } from './run/run-parts.ts';
import { pastOf, recordFinding, trackingUidOf } from './run/run-record.ts';
import { type RunStage, StageClock } from './run/stages.ts';
import { type StandingResult, standingMode, standingResult, withStanding } from './run/standing-result.ts';
import { storeResults, verifyStored } from './run/store-results.ts';
import { chooseSeries, type ForcedSeries, isChosen } from './selection/choose-series.ts';
import type { SeriesDecision } from './selection/select.ts';

/** What is to be processed. */
export interface StudyToRun {
  readonly studyInstanceUid: string;
  /** The same for every attempt at one request. */
  readonly requestId: string;
  /**
   * The results are to say what is known now of the patient: what stands in the history is not segmented
   * again.
   */
  readonly restate?: boolean;
}

export interface StudyOutcome {
  readonly decisions: readonly SeriesDecision[];
  readonly volumes: readonly MeasuredVolume[];
  /** Why nothing was even considered, in plain words. */
  readonly skipped?: string;
}

/**
 * The main path: one study, from the list of its series to the record of its results.
 * A series that fails does not stop the others; then the study as a whole has failed, and is tried again
 * where that may help. Running the same job again writes nothing twice.
 * @param forced a series to take whatever the rules say
 * @throws the failure of a series; the first that may pass goes before those that will not
 */
export async function runStudy(
  job: StudyToRun,
  parts: RunParts,
  signal?: AbortSignal,
  forced?: ForcedSeries,
): Promise<StudyOutcome> {
  const { database, rules, models, onProgress, onStageEnd: onEnd, stageLimits: limits, now } = parts;
  const { studyInstanceUid, restate = false } = job;
  const clock = new StageClock({ onProgress, onEnd, limits, signal });
  const stage = clock.about(studyInstanceUid);

  const { candidates, segmentations, patients, header, fingerprint } = await stage(
    'list series',
    (_, limited) => listStudy(studyInstanceUid, parts, limited),
  );
  const optedOut = await optOutReason(database, studyInstanceUid, patients);
  if (optedOut) {
    const run = await beginRun(database, { ...job, fingerprint, now: now() });
    await recordDecisions(database, studyInstanceUid, []);
    await finishRun(database, run, { outcome: 'skipped', reason: optedOut, now: now() });
    const digests = patients.map((patient) => parts.identities.digestOf(patient));
    await recordIgnoredIdentities(database, studyInstanceUid, digests);
    return { decisions: [], volumes: [], skipped: optedOut };
  }
  // Before anything can fail: a failed study is to be found, too.
  if (header) await parts.recordHeader?.(studyInstanceUid, header);
  await checkOnePatient(studyInstanceUid, patients, parts);
  const chosen = () => chooseSeries(candidates, rules, models, forced);
  let decisions = await stage('select', async () =>
    restate ? withStanding(chosen(), candidates, studyInstanceUid, parts) : chosen(),
  );
  const run = await beginRun(database, { ...job, fingerprint, now: now() });
  await recordChoice(database, run, decisions);

  const volumes: MeasuredVolume[] = [];
  const failures: unknown[] = [];
  const context: StudyContext = { run, segmentations, restate, parts, clock };
  for (const rivals of contests(decisions, parts, forced)) {
    if (hasWon(decisions, rivals)) continue;
    try {
      const { volume, outcome } = await runRivals(rivals, context);
      if (volume) volumes.push(volume);
      const before = decisions;
      decisions = settled(before, outcome, rivals.ranked);
      if (decisions.some((one, i) => one !== before[i])) await recordChoice(database, run, decisions);
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error);
    }
  }
  if (restate && (await giveUpComparisons(database, studyInstanceUid))) {
    parts.warn({ studyInstanceUid }, 'a report that compares with another person cannot be made anew');
  }
  const patient = { ...namedPatient(header ?? {}), studyInstanceUid };
  await announceWrongComparisons(
    database,
    {
      studyInstanceUid,
      patientKeys: [parts.patientKey(patient), ...volumes.map(({ patientKey }) => patientKey)],
    },
    now(),
  );
  if (failures.length > 0) throw failures.find((error) => describeFailure(error).passing) ?? failures[0];
  await finishRun(database, run, { ...endOf(decisions), ofOneSeries: forced !== undefined, now: now() });
  return { decisions, volumes };
}

async function recordChoice(
  database: RunParts['database'],
  run: Run,
  decisions: readonly SeriesDecision[],
): Promise<void> {
  await recordDecisions(database, run.studyInstanceUid, decisions);
  await recordDecisionDetails(database, run, decisions);
}

interface StudyContext {
  readonly run: Run;
  /** Series of SEGs in the study that the node did not write. */
  readonly segmentations: readonly string[];
  /** See `StudyToRun.restate`. */
  readonly restate: boolean;
  readonly parts: RunParts;
  readonly clock: StageClock;
}

/**
 * One class: its best series is segmented, or the first that its pixels bear out, and the results of it are
 * published.
 */
async function runRivals(rivals: Rivals<RankedSeries>, context: StudyContext) {
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
  { run, restate, parts }: StudyContext,
  stage: RunStage,
): Promise<SegmentedWork> {
  const { archive, models, inference } = parts;
  const model = await models.load(series.class);
  const builder = await stage('retrieve', (_, signal) => retrieveSeries(archive, run, series, signal));
  const source = await stage('volume', async () => builder.finish());
  const { name: part, formerName: formerPart } = series.part ?? {};
  const mode = restate ? await standingMode({ source, part, model }, run, parts) : parts.mode;
  const images = { source, part, formerPart, model, mode };
  const standing = restate ? await standingResult(images, run, parts, stage) : undefined;
  const found = standing?.found ?? (await findPancreas(source.volume, model, { ...inference, mode }, stage));
  return { ...images, ...found, standing, ...lookAt(source.volume, found) };
}

/** Measure, results, store, verify, record; then what a reader made of it. */
async function publish(work: SegmentedWork, context: StudyContext, stage: RunStage): Promise<MeasuredVolume> {
  const { run, segmentations, parts } = context;
  const { archive, database, settings, now } = parts;
  const { studyInstanceUid } = run;
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
  if (!isWithdrawn)
    await stage('store', (_, signal) => storeResults(results, studyInstanceUid, parts, signal));
  if (!isWithdrawn)
    await stage('verify', (_, signal) => verifyStored(results, finding, studyInstanceUid, archive, signal));
  const volume = await stage('record', () => recordFinding(finding, results, past, run, parts));
  if (standing) await moveReviews(database, standing.volume.report, volume.report);
  if (!isWithdrawn) {
    await stage('corrections', (_, signal) =>
      takeCorrection(segmentations, finding, past, volume, run, parts, signal),
    );
  }
  return volume;
}

/** A segmented series, and what of it stands in the history. */
interface SegmentedWork extends SegmentedSeries, Look {
  readonly standing: StandingResult | undefined;
}

function endOf(decisions: readonly SeriesDecision[]): { outcome: 'done' | 'skipped'; reason?: string } {
  return decisions.some(isChosen)
    ? { outcome: 'done' }
    : { outcome: 'skipped', reason: `no series is suitable; ${whatOf(decisions)}` };
}

const whatOf = (decisions: readonly SeriesDecision[]): string =>
  decisions.some(({ tried }) => tried)
    ? 'no plausible pancreas was found in those that are possible; the reason for each is with it'
    : 'the reason for each is with it';
