import { type Change, changeBetween } from '../../results/change.ts';
import { isoDate } from '../../results/dates.ts';
import type { ReviewedVolume } from './find-studies.ts';
import type { StudyHeader } from './study-header.ts';

/** A volume in its place in the history of a patient. */
export interface TrendPoint {
  readonly volume: ReviewedVolume;
  /** ISO 8601; undefined where the study has no date, and with it no place in time. */
  readonly date: string | undefined;
  /** What counts: the reader's correction, where there is one and the site wants it so. */
  readonly ml: number;
  readonly corrected: boolean;
  /** Why no line leads to it; undefined where one does. */
  readonly apart: 'withdrawn' | 'rejected' | 'nothing found' | 'no date' | undefined;
  /**
   * Since the previous and since the first point of its line; undefined for the first, and for points apart.
   */
  readonly sincePrevious: Change | undefined;
  readonly sinceFirst: Change | undefined;
}

/** Points that may be compared: one person, one kind of images, one model. */
export interface Trend {
  readonly class: string;
  readonly model: ReviewedVolume['model'];
  /** See `PatientTrends.people`; 0 unless there is more than one. */
  readonly person: number;
  readonly repeatabilityPercent: number | undefined;
  /** Oldest first. */
  readonly points: readonly TrendPoint[];
}

export interface PatientTrends {
  readonly trends: readonly Trend[];
  /**
   * Which studies go together by birth date and sex. More than one: the PatientID may stand for several
   * people, and no line leads from one to the other.
   */
  readonly people: readonly Person[];
}

interface Person {
  readonly birthDateKey: string | undefined;
  readonly birthDate: string | undefined;
  readonly sex: string | undefined;
  readonly studies: readonly string[];
}

export interface TrendSettings {
  readonly correctedCounts: boolean;
  /** By class; null: the site has stated none. */
  readonly repeatabilityPercent: Readonly<Record<string, number | null>>;
}

/** @param volumes of one patient, oldest study first */
export function patientTrends(
  volumes: readonly ReviewedVolume[],
  headers: ReadonlyMap<string, StudyHeader>,
  settings: TrendSettings,
): PatientTrends {
  const people = peopleOf(volumes, headers);
  const personOf = (study: string) =>
    Math.max(
      0,
      people.findIndex(({ studies }) => studies.includes(study)),
    );
  const groups = Map.groupBy(volumes, (volume) =>
    JSON.stringify([
      volume.class,
      volume.model.name,
      volume.model.sha256,
      volume.model.mode,
      personOf(volume.studyInstanceUid),
    ]),
  );
  const trends = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const repeatabilityPercent = settings.repeatabilityPercent[first.class] ?? undefined;
    return [
      {
        class: first.class,
        model: first.model,
        person: personOf(first.studyInstanceUid),
        repeatabilityPercent,
        points: pointsOf(group, settings.correctedCounts, repeatabilityPercent),
      },
    ];
  });
  return { trends, people };
}

function pointsOf(
  volumes: readonly ReviewedVolume[],
  correctedCounts: boolean,
  repeatabilityPercent: number | undefined,
): TrendPoint[] {
  let first: TrendPoint | undefined;
  let previous: TrendPoint | undefined;
  return volumes.map((volume) => {
    const correction = correctedCounts ? volume.correction : null;
    const point: TrendPoint = {
      volume,
      date: isoDate(volume.studyDate),
      ml: correction?.volumeMl ?? volume.volumeMl,
      corrected: correction !== null,
      apart: apartness(volume),
      sincePrevious: undefined,
      sinceFirst: undefined,
    };
    if (point.apart) return point;
    const since = (earlier: TrendPoint) =>
      changeBetween(datedOf(earlier), datedOf(point), repeatabilityPercent);
    const whole = {
      ...point,
      sincePrevious: previous && since(previous),
      sinceFirst: first && since(first),
    };
    first ??= whole;
    previous = whole;
    return whole;
  });
}

const datedOf = ({ ml, volume }: TrendPoint) => ({ ml, date: volume.studyDate });

function apartness(volume: ReviewedVolume): TrendPoint['apart'] {
  if (volume.withdrawn) return 'withdrawn';
  if (volume.review?.decision === 'rejected') return 'rejected';
  if (!volume.seg && !volume.correction) return 'nothing found';
  return isoDate(volume.studyDate) === undefined ? 'no date' : undefined;
}

/**
 * Studies go to the first person whom nothing known contradicts: what a study does not say contradicts
 * nobody.
 */
function peopleOf(volumes: readonly ReviewedVolume[], headers: ReadonlyMap<string, StudyHeader>): Person[] {
  const people: Person[] = [];
  for (const study of new Set(volumes.map(({ studyInstanceUid }) => studyInstanceUid))) {
    const header = headers.get(study);
    const own = { birthDateKey: header?.birthDateKey, sex: header?.sex };
    const at = people.findIndex(
      (one) => agree(one.birthDateKey, own.birthDateKey) && agree(one.sex, own.sex),
    );
    const known = people[at];
    const person = {
      birthDateKey: known?.birthDateKey ?? own.birthDateKey,
      birthDate: known?.birthDate ?? header?.birthDate,
      sex: known?.sex ?? own.sex,
      studies: [...(known?.studies ?? []), study],
    };
    if (known) people[at] = person;
    else people.push(person);
  }
  return people;
}

const agree = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined || a === b;
