import { announceWrongComparisons } from '../store/arrivals/wrong-comparisons.ts';
import { wasWithdrawn } from '../store/records/history.ts';
import { optOutReason } from '../store/records/opt-out.ts';
import { giveUpComparisons } from '../store/records/report-priors.ts';
import { moveReviews } from '../store/records/reviews.ts';
import { beginRun, finishRun, fixedTime, type Run, recordDecisions } from '../store/records/run-log.ts';
import { namedPatient, recordIgnoredIdentities, reissueOf } from '../store/records/study-identity.ts';
import type { MeasuredVolume } from '../store/records/volume-record.ts';
import { describeFailure } from './failures.ts';
import { takeCorrection } from './run/corrections.ts';
import { createResults, warningsOf } from './run/create-results.ts';
import { findPancreas } from './run/find-pancreas.ts';
import { listStudy } from './run/list-study.ts';
import { checkOnePatient } from './run/one-patient.ts';
import { retrieveSeries } from './run/retrieve-series.ts';
import type { RunParts } from './run/run-parts.ts';
import { pastOf, recordFinding, trackingUidOf } from './run/run-record.ts';
import { type RunStage, StageClock } from './run/stages.ts';
import { standingMode, standingResult, withStanding } from './run/standing-result.ts';
import { storeResults, verifyStored } from './run/store-results.ts';
import { type ChosenSeries, chooseSeries, type ForcedSeries, isChosen } from './selection/choose-series.ts';
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
  const decisions = await stage('select', async () =>
    restate ? withStanding(chosen(), candidates, studyInstanceUid, parts) : chosen(),
  );
  const run = await beginRun(database, { ...job, fingerprint, now: now() });
  await recordDecisions(database, studyInstanceUid, decisions);

  const volumes: MeasuredVolume[] = [];
  const failures: unknown[] = [];
  for (const series of decisions.filter(isChosen)) {
    try {
      volumes.push(
        await runSeries(
          { series, segmentations, restate },
          run,
          parts,
          clock.about(series.description, series.class),
        ),
      );
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

/**
 * One series: retrieve, volume, segment, measure, results, store, verify, record; then what a reader made of
 * it.
 */
async function runSeries(
  { series, segmentations, restate }: SeriesToRun,
  run: Run,
  parts: RunParts,
  stage: RunStage,
): Promise<MeasuredVolume> {
  const { archive, database, models, settings, inference, now } = parts;
  const { studyInstanceUid } = run;
  const firstTime = (name: string) => fixedTime(database, name, now());

  const model = await models.load(series.class);
  const builder = await stage('retrieve', (_, signal) => retrieveSeries(archive, run, series, signal));
  const source = await stage('volume', async () => builder.finish());
  const { name: part, formerName: formerPart } = series.part ?? {};
  const mode = restate ? await standingMode({ source, part, model }, run, parts) : parts.mode;
  const images = { source, part, formerPart, model, mode };
  const standing = restate ? await standingResult(images, run, parts, stage) : undefined;
  // What was withdrawn stays so: no report takes its place.
  if (standing?.volume.withdrawn) return standing.volume;
  const reissue = standing ? standing.reissue : await reissueOf(database, studyInstanceUid);
  const found = standing?.found ?? (await findPancreas(source.volume, model, { ...inference, mode }, stage));
  const trackingUid = await trackingUidOf(source, run, parts);
  const finding = { ...images, ...(reissue === undefined ? {} : { reissue }), trackingUid, ...found };
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

interface SeriesToRun {
  readonly series: ChosenSeries;
  /** Series of SEGs in the study that the node did not write. */
  readonly segmentations: readonly string[];
  /** See `StudyToRun.restate`. */
  readonly restate: boolean;
}

function endOf(decisions: readonly SeriesDecision[]): { outcome: 'done' | 'skipped'; reason?: string } {
  return decisions.some(isChosen)
    ? { outcome: 'done' }
    : { outcome: 'skipped', reason: 'no series is suitable; the reason for each is with it' };
}
