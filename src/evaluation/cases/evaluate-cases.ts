import { access } from 'node:fs/promises';
import path from 'node:path';
import { codeOf, messageOf } from '../../coded-error.ts';
import type { Mode } from '../../inference-mode.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import type { InferenceOptions } from '../../segmentation/segment.ts';
import { type CaseSource, filesOf, type MaskReading } from '../sources/sources.ts';
import { measureInThread } from './in-thread.ts';
import { type CaseMeasures, caseMeasures } from './measure-case.ts';
import { bytesFor, MemoryGate } from './memory-gate.ts';
import { type PredictionRecord, predictCase, predictionRecord } from './predict-case.ts';
import { fingerprintOf, Records } from './records.ts';

/** What became of a case. */
export type CaseOutcome = {
  /** With the prediction that was made, where one was. */
  readonly source: CaseSource;
  readonly prediction: PredictionRecord | undefined;
} & (
  | { readonly measures: CaseMeasures; readonly failure?: undefined }
  | { readonly measures?: undefined; readonly failure: { readonly code: string; readonly message: string } }
);

export interface CaseWork {
  readonly cases: readonly CaseSource[];
  /** Undefined where predictions are given. Throws EvaluationError CASE_MODEL. */
  readonly modelOf: ((source: CaseSource) => Model) | undefined;
  readonly reading: MaskReading;
  /** For what is kept between runs; its files are named after the cases. */
  readonly folder: string;
  /** Goes into every fingerprint: another version may measure otherwise. */
  readonly softwareVersion: string;
  readonly inference: InferenceOptions;
  readonly mode: Mode;
  /** Cases at a time at most, and bytes that they may need together. */
  readonly parallel: number;
  readonly memoryBytes: number;
  readonly onCase: (outcome: CaseOutcome, done: number, wasKept: boolean) => void;
  readonly onSegment: (name: string, done: number, total: number) => void;
}

/**
 * Predicts, where no predictions are given, and measures every case. What an earlier run of the same work
 * finished is taken from its records. A case that fails does not keep the others, and is tried again next
 * time.
 * @returns in the order of the cases
 */
export async function evaluateCases(work: CaseWork): Promise<CaseOutcome[]> {
  const gate = new MemoryGate(work.memoryBytes, work.parallel);
  const records = new Records(path.join(work.folder, 'records'));
  const alone = oneAtATime();
  const outcomes: CaseOutcome[] = [];
  let done = 0;
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let i = next++; i < work.cases.length; i = next++) {
      const source = work.cases[i] as CaseSource;
      const { outcome, wasKept } = await outcomeOf(source, { work, gate, records, alone });
      outcomes[i] = outcome;
      work.onCase(outcome, ++done, wasKept);
    }
  };
  await Promise.all(Array.from({ length: work.parallel }, runner));
  return outcomes;
}

interface Tools {
  readonly work: CaseWork;
  readonly gate: MemoryGate;
  readonly records: Records;
  readonly alone: <T>(task: () => Promise<T>) => Promise<T>;
}

async function outcomeOf(
  given: CaseSource,
  { work, gate, records, alone }: Tools,
): Promise<{ outcome: CaseOutcome; wasKept: boolean }> {
  const { reading, softwareVersion } = work;
  let source = given;
  let prediction: PredictionRecord | undefined;
  try {
    if (work.modelOf) {
      // The network takes all cores and most memory: one at a time, while other cases are measured.
      ({ source, prediction } = await alone(() => predicted(given, work.modelOf?.(given) as Model, work)));
    }
    const fingerprint = await fingerprintOf(filesOf(source), { reading, softwareVersion });
    const kept = await records.find(source.name, fingerprint, caseMeasures);
    if (kept) return { outcome: { source, prediction, measures: kept }, wasKept: true };
    const measures = await gate.run(await bytesFor(source), () => measureInThread(source, reading));
    await records.keep(source.name, fingerprint, measures);
    return { outcome: { source, prediction, measures }, wasKept: false };
  } catch (error) {
    const failure = { code: codeOf(error) ?? 'UNEXPECTED', message: messageOf(error) };
    return { outcome: { source, prediction, failure }, wasKept: false };
  }
}

async function predicted(
  source: CaseSource,
  model: Model,
  work: CaseWork,
): Promise<{ source: CaseSource; prediction: PredictionRecord }> {
  const { image, name } = source;
  const folder = path.join(work.folder, 'predictions');
  const file = path.join(folder, `${name}.nii.gz`);
  const records = new Records(folder);
  const images = image === undefined ? [] : image.kind === 'nifti' ? [image.file] : image.files;
  const part = image?.kind === 'dicom' ? image.part : undefined;
  const { mode, softwareVersion } = work;
  const settings = { model: model.sha256, mode, softwareVersion, part };
  const fingerprint = await fingerprintOf(images, settings);
  const withFile: CaseSource = { ...source, prediction: { kind: 'nifti', file } };
  const kept = await records.find(name, fingerprint, predictionRecord);
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (kept && isThere) return { source: withFile, prediction: kept };
  const onProgress = (done: number, total: number) => work.onSegment(name, done, total);
  const prediction = await predictCase(source, model, file, { ...work.inference, mode, onProgress });
  await records.keep(name, fingerprint, prediction);
  return { source: withFile, prediction };
}

function oneAtATime(): <T>(task: () => Promise<T>) => Promise<T> {
  let before: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = before.then(task);
    before = turn.catch(() => undefined);
    return turn;
  };
}
