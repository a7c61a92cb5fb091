import { mkdir, realpath, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Mode } from '../inference-mode.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import type { InferenceOptions } from '../segmentation/segment.ts';
import { type CaseOutcome, evaluateCases } from './cases/evaluate-cases.ts';
import { pictureInThread } from './cases/in-thread.ts';
import { EvaluationError } from './evaluation-error.ts';
import { evaluationPage, type WorstCase } from './page/page.ts';
import { type Folders, findCases } from './sources/find-cases.ts';
import type { CaseSource, MaskReading } from './sources/sources.ts';
import { readGroups, readRepeats } from './sources/tables.ts';
import { casesAsCsv } from './summary/cases-csv.ts';
import { completed, type Evaluation } from './summary/evaluation.ts';
import { type CaseRow, MODALITY_COLUMN, modalityOf, titleOf } from './summary/rows.ts';
import { summaryAsJson } from './summary/summary-json.ts';

export interface EvaluationRequest {
  readonly folders: Folders;
  /** Those that make the predictions; none where they are given. */
  readonly models: readonly Model[];
  readonly reading: MaskReading;
  /** CSV files. */
  readonly groups: string | undefined;
  readonly repeats: string | undefined;
  readonly output: string;
  /** Whether results name cases as their files do; else they are numbered. */
  readonly showNames: boolean;
  readonly labelsFromArchive: boolean;
  readonly inference: InferenceOptions;
  readonly mode: Mode;
  readonly parallel: number;
  readonly memoryBytes: number;
  readonly softwareVersion: string;
  readonly now: () => Date;
  readonly onProgress: (text: string, done: number, total: number) => void;
  readonly onLine: (line: string) => void;
}

/** What names cases, and is needed again only to go on: not for others' eyes. */
export const INTERNAL_FOLDER = 'internal';
/** Pictures on the page. */
const WORST_CASES = 6;

/**
 * Evaluates all cases and writes `cases.csv`, `summary.json` and `evaluation.html`. In the folder `work` of
 * the output is what a later run goes on with.
 * @throws {EvaluationError} CASES_MISSING, CASES_AMBIGUOUS, CASES_TABLE
 */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation> {
  const { folders, models, reading, output, onLine } = request;
  await checkOutput(output, folders);
  const groups = request.groups === undefined ? new Map() : await readGroups(request.groups);
  const subjects = request.repeats === undefined ? new Map() : await readRepeats(request.repeats);
  const { cases, unlabelled, problems } = await findCases(folders, new Set(subjects.keys()));
  warnOfStrangers('groups', groups.keys(), cases, onLine);
  warnOfStrangers('repeats', subjects.keys(), cases, onLine);
  for (const problem of problems) onLine(`warning: ${problem}`);
  if (unlabelled.length > 0) onLine(`warning: ${unlabelled.length} without a label are left out`);

  const work = path.join(output, INTERNAL_FOLDER);
  await mkdir(work, { recursive: true });
  const valuesOf = ({ name }: CaseSource): ReadonlyMap<string, string> => groups.get(name) ?? new Map();
  const modelOf = (source: CaseSource) => chooseModel(source, valuesOf(source).get(MODALITY_COLUMN), models);
  const timing = timeLeft(request.now, cases.length);
  const outcomes = await evaluateCases({
    ...request,
    cases,
    folder: work,
    modelOf: models.length > 0 ? modelOf : undefined,
    onCase: (outcome, done, wasKept) => onLine(caseLine(outcome, timing(done, wasKept), wasKept)),
    onSegment: (name, done, total) => request.onProgress(name, done, total),
  });
  const rows = outcomes.map((outcome, i): CaseRow => {
    const { source } = outcome;
    const model = modelName(() => modelOf(source), models);
    return {
      number: i + 1,
      shownName: request.showNames ? source.name : undefined,
      groups: withModality(valuesOf(source), model),
      subject: subjects.get(source.name),
      model: model?.info.name,
      outcome,
    };
  });
  const evaluation = completed({
    softwareVersion: request.softwareVersion,
    madeAt: request.now(),
    mode: request.mode,
    models,
    settings: reading,
    raters: ratersOf(folders, request.showNames),
    unlabelled: unlabelled.length,
    labelsFromArchive: request.labelsFromArchive,
    rows,
  });
  const worst = await worstOf(rows, reading);
  await writeWhole(path.join(output, 'cases.csv'), casesAsCsv(evaluation));
  await writeWhole(path.join(output, 'summary.json'), summaryAsJson(evaluation));
  await writeWhole(path.join(output, 'evaluation.html'), evaluationPage(evaluation, worst));
  return evaluation;
}

/** @throws {EvaluationError} CASES_AMBIGUOUS where results would be written among what is evaluated */
async function checkOutput(output: string, folders: Folders): Promise<void> {
  const real = (folder: string) => realpath(folder).catch(() => path.resolve(folder));
  const { images, labels, predictions, against, raters } = folders;
  for (const folder of [images, labels, predictions, against, ...raters]) {
    if (folder === undefined || (await real(folder)) !== (await real(output))) continue;
    throw new EvaluationError('CASES_AMBIGUOUS', `--output ${output} is one of the folders that are read`);
  }
}

function warnOfStrangers(
  table: string,
  names: Iterable<string>,
  cases: readonly CaseSource[],
  onLine: (line: string) => void,
): void {
  const known = new Set(cases.map(({ name }) => name));
  const strangers = [...names].filter((name) => !known.has(name));
  if (strangers.length === 0) return;
  const some = strangers.slice(0, 3).join(', ');
  onLine(`warning: --${table} names ${strangers.length} cases that are not there, such as ${some}`);
}

/** The only model, or that for the modality that the groups' table gives. */
function chooseModel({ name }: CaseSource, given: string | undefined, models: readonly Model[]): Model {
  const modality = modalityOf(given ?? '');
  const [first] = models;
  const fitting = models.filter(({ info }) => modality === undefined || info.modality === modality);
  if (models.length === 1 && first) return first;
  const [only] = fitting;
  if (only && fitting.length === 1) return only;
  const problem =
    modality === undefined
      ? `the column ${MODALITY_COLUMN} of --groups does not say which of the models is for it`
      : `${fitting.length === 0 ? 'none' : 'more than one'} of the models is for ${modality}`;
  throw new EvaluationError('CASE_MODEL', `${name}: ${problem}`);
}

function modelName(choose: () => Model, models: readonly Model[]): Model | undefined {
  if (models.length === 0) return undefined;
  try {
    return choose();
  } catch (error) {
    // The case has failed for the same reason.
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}

/** A model tells the modality of its images where nobody else does. */
function withModality(
  groups: ReadonlyMap<string, string>,
  model: Model | undefined,
): ReadonlyMap<string, string> {
  const given = groups.get(MODALITY_COLUMN) ?? '';
  const modality = modalityOf(given) ?? (given || model?.info.modality);
  return modality === undefined ? groups : new Map([[MODALITY_COLUMN, modality], ...rest(groups)]);
}

const rest = (groups: ReadonlyMap<string, string>) =>
  [...groups].filter(([column]) => column !== MODALITY_COLUMN);

/** Folders may be called after people. */
const ratersOf = ({ labels, raters }: Folders, showNames: boolean): string[] =>
  showNames
    ? [labels, ...raters].map((folder) => path.basename(path.resolve(folder)))
    : ['labels', ...raters.map((_, i) => `rater ${i + 1}`)];

async function worstOf(rows: readonly CaseRow[], reading: MaskReading): Promise<WorstCase[]> {
  const diceOf = ({ outcome }: CaseRow) => outcome.measures?.agreement?.dice;
  const worst = rows
    .filter((row) => diceOf(row) !== undefined)
    .sort((a, b) => (diceOf(a) ?? 0) - (diceOf(b) ?? 0) || a.number - b.number)
    .slice(0, WORST_CASES);
  const found: WorstCase[] = [];
  for (const row of worst) {
    const isCt = modalityOf(row.groups.get(MODALITY_COLUMN) ?? '') === 'CT';
    // A page without a picture is better than none.
    const picture = await pictureInThread(row.outcome.source, reading, isCt).catch(() => undefined);
    found.push({ row, picture });
  }
  return found;
}

/** Tells how much time is left, from what the cases of this run took. */
function timeLeft(now: () => Date, total: number): (done: number, wasKept: boolean) => string {
  const start = now().getTime();
  let worked = 0;
  return (done, wasKept) => {
    if (!wasKept) worked++;
    const count = `${done} of ${total}`;
    if (worked === 0 || done === total) return count;
    const seconds = ((now().getTime() - start) / 1000 / worked) * (total - done);
    const left = seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
    return `${count}, about ${left} left`;
  };
}

function caseLine({ source, measures, failure }: CaseOutcome, place: string, wasKept: boolean): string {
  if (failure) return `${place}: ${source.name} failed: ${failure.message} (${failure.code})`;
  const { agreement, predictedMl } = measures;
  const found = agreement ? `Dice ${agreement.dice.toFixed(3)}` : `${predictedMl.toFixed(1)} ml, no label`;
  return `${place}: ${source.name}: ${found}${wasKept ? ', from the earlier run' : ''}`;
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

/** For a line at the end. */
export const failedCases = ({ rows }: Evaluation): readonly string[] =>
  rows.filter(({ outcome }) => outcome.failure).map(titleOf);
