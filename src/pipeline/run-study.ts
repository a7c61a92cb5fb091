import { announceWrongComparisons } from '../store/arrivals/wrong-comparisons.ts';
import { recordDecisionDetails } from '../store/records/decision-details.ts';
import { optOutReason } from '../store/records/opt-out.ts';
import { giveUpComparisons } from '../store/records/report-priors.ts';
import { beginRun, confirmDone, finishRun, type Run, recordDecisions } from '../store/records/run-log.ts';
import { namedPatient, recordIgnoredIdentities } from '../store/records/study-identity.ts';
import type { MeasuredVolume } from '../store/records/volume-record.ts';
import { describeFailure } from './failures.ts';
import { listStudy } from './run/list-study.ts';
import { checkOnePatient } from './run/one-patient.ts';
import { contests, hasWon, settled } from './run/rivals.ts';
import type { RunParts } from './run/run-parts.ts';
import { runRivals, type StudyContext } from './run/run-rivals.ts';
import { StageClock } from './run/stages.ts';
import { withStanding } from './run/standing-result.ts';
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
  /**
   * Nothing is left to do where another job has dealt with the same counts since this one was asked for: one
   * for the same request, or any.
   */
  readonly unlessDone?: 'so' | 'at all' | undefined;
}

export interface StudyOutcome {
  readonly decisions: readonly SeriesDecision[];
  readonly volumes: readonly MeasuredVolume[];
  /** See `StudyToRun.unlessDone`. */
  readonly isDealtWith?: boolean;
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
  const { studyInstanceUid, restate = false, unlessDone } = job;
  const clock = new StageClock({ onProgress, onEnd, limits, signal });
  const stage = clock.about(studyInstanceUid);

  const { candidates, segmentations, patients, header, fingerprint } = await stage(
    'list series',
    (_, limited) => listStudy(studyInstanceUid, parts, limited),
  );
  const byAny = unlessDone === 'at all';
  if (unlessDone && (await confirmDone(database, { ...job, fingerprint, byAny, now: now() })))
    return { decisions: [], volumes: [], isDealtWith: true };
  const optedOut = await optOutReason(database, studyInstanceUid, patients);
  if (optedOut) {
    const run = await beginRun(database, { ...job, fingerprint, now: now() });
    await recordDecisions(database, studyInstanceUid, []);
    const ofOneSeries = parts.historyAlone === true;
    await finishRun(database, run, { outcome: 'skipped', reason: optedOut, ofOneSeries, now: now() });
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
  const context: Omit<StudyContext, 'isLast'> = { run, segmentations, restate, parts, clock };
  const all = contests(decisions, parts, forced);
  for (const rivals of all) {
    if (hasWon(decisions, rivals)) continue;
    try {
      const { volume, outcome } = await runRivals(rivals, { ...context, isLast: rivals === all.at(-1) });
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
  const reports = volumes.map(({ report }) => report.sopInstanceUid);
  const ofOneSeries = forced !== undefined || parts.historyAlone === true;
  const end = { ...endOf(decisions, models), ofOneSeries, reports };
  await finishRun(database, run, { ...end, now: now() });
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

function endOf(
  decisions: readonly SeriesDecision[],
  models: RunParts['models'],
): { outcome: 'done' | 'skipped'; reason?: string } {
  if (decisions.some(isChosen)) return { outcome: 'done' };
  const unserved = decisions.flatMap(({ class: taken, rank }) =>
    taken !== 'NONE' && rank === 1 && !models.has(taken) ? [MODEL_KEYS[taken]] : [],
  );
  const what =
    unserved.length > 0
      ? `No model for ${[...new Set(unserved)].join(', ')}: the configuration names none`
      : 'no series is suitable';
  return { outcome: 'skipped', reason: `${what}; ${whatOf(decisions)}` };
}

/** As the configuration calls the classes. */
const MODEL_KEYS = { CT_ABDOMEN: 'CT', T1W: 'T1W', T2W: 'T2W' } as const;

const whatOf = (decisions: readonly SeriesDecision[]): string =>
  decisions.some(({ tried }) => tried)
    ? 'no plausible pancreas was found in those that are possible; the reason for each is with it'
    : 'the reason for each is with it';
