import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../../coded-error.ts';
import { fromDicomJson, text } from '../../dicom/reading/dataset.ts';
import { framesOf, positionsOf } from './candidates.ts';
import { factsOf } from './facts.ts';
import {
  type Certainty,
  SEGMENTED_CLASSES,
  type SegmentedClass,
  type SelectionRules,
  type SeriesClass,
} from './rules.ts';
import { type CandidateSeries, type SeriesDecision, selectSeries } from './select.ts';
import { SelectionError } from './selection-error.ts';
import type { Point } from './stack.ts';

const point = z.tuple([z.number(), z.number(), z.number()]);

/**
 * Studies without an archive: a representative header of each series (DICOM JSON) and where its images lie.
 */
const fileSchema = z.array(
  z.object({
    id: z.string(),
    series: z.array(
      z.object({
        uid: z.string(),
        instances: z.int().nonnegative(),
        metadata: z.record(z.string(), z.unknown()),
        positions: z
          .union([z.array(point), z.object({ first: point, step: point, count: z.int() })])
          .optional(),
      }),
    ),
  }),
);
type ListedSeries = z.infer<typeof fileSchema>[number]['series'][number];

/** What was decided about one study. */
export interface StudyPrediction {
  readonly classes: Readonly<Record<string, SeriesClass>>;
  /** The best series of each class, a possible one where none is certain. */
  readonly selection: Readonly<Record<SegmentedClass, string | null>>;
  /** Of each selected series: `possible` ones are segmented only where their pixels confirm them. */
  readonly certainty: Readonly<Record<SegmentedClass, Certainty>>;
  readonly certainties: Readonly<Record<string, Certainty>>;
  readonly reasons: Readonly<Record<string, string>>;
}

/** @throws SelectionError METADATA_FILE naming the place that is wrong */
export function predictStudies(file: string, rules: SelectionRules): Record<string, StudyPrediction> {
  const studies = studiesInFile(file);
  return Object.fromEntries(studies.map(({ id, candidates }) => [id, predict(candidates, rules)]));
}

/**
 * What selection needs to know of the series of each study of a file.
 * @throws SelectionError METADATA_FILE naming the place that is wrong
 */
export function studiesInFile(file: string): { id: string; candidates: CandidateSeries[] }[] {
  const studies = fileSchema.safeParse(readJson(file));
  if (!studies.success)
    throw new SelectionError('METADATA_FILE', `${file}: ${z.prettifyError(studies.error)}`);
  return studies.data.map(({ id, series }) => ({ id, candidates: series.map(candidateOf) }));
}

function predict(series: readonly CandidateSeries[], rules: SelectionRules): StudyPrediction {
  const decisions = selectSeries(series, rules);
  const best = (name: SegmentedClass) =>
    decisions.find((decision) => decision.rank === 1 && decision.class === name);
  const [ct, t1, t2] = SEGMENTED_CLASSES.map(best);
  const uid = (one: SeriesDecision | undefined) => one?.seriesInstanceUid ?? null;
  const certainty = (one: SeriesDecision | undefined) => one?.certainty ?? 'no';
  return {
    classes: Object.fromEntries(decisions.map((one) => [one.seriesInstanceUid, one.class])),
    selection: { CT_ABDOMEN: uid(ct), T1W: uid(t1), T2W: uid(t2) },
    certainty: { CT_ABDOMEN: certainty(ct), T1W: certainty(t1), T2W: certainty(t2) },
    certainties: Object.fromEntries(decisions.map((one) => [one.seriesInstanceUid, one.certainty])),
    reasons: Object.fromEntries(decisions.map((one) => [one.seriesInstanceUid, one.reason])),
  };
}

function candidateOf({ uid, instances, metadata, positions }: ListedSeries): CandidateSeries {
  const header = fromDicomJson(metadata);
  const frames = framesOf(header);
  // An enhanced image has a place for each of its frames; a classic one stands for all images of its series.
  const points = positions ? pointsOf(positions) : frames.length > 1 ? positionsOf(frames) : undefined;
  return {
    seriesInstanceUid: uid,
    description: text(header, 'SeriesDescription') ?? '',
    facts: factsOf(frames[frames.length >> 1]?.attributes ?? header, points?.length ?? instances, {
      positions: points,
    }),
  };
}

function pointsOf(positions: NonNullable<ListedSeries['positions']>): Point[] {
  if (Array.isArray(positions)) return positions;
  const { first, step, count } = positions;
  return Array.from(
    { length: count },
    (_, i): Point => [first[0] + i * step[0], first[1] + i * step[1], first[2] + i * step[2]],
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new SelectionError('METADATA_FILE', `${file}: cannot be read as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
