import type { ApartReason } from '../../results/apart-reason.ts';
import { type Change, changeBetween } from '../../results/change.ts';
import { isoDate } from '../../results/dates.ts';
import type { ReviewedVolume } from './find-studies.ts';
import { type Identity, personsOf } from './same-person.ts';

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

/** A study that is not compared with others under the patient's key, and why. */
interface StudyApart {
  readonly studyInstanceUid: string;
  readonly reason: ApartReason;
}

/** Points that may be compared: one person, one kind of images, one model. */
export interface Trend {
  readonly class: string;
  readonly model: ReviewedVolume['model'];
  /** See `PatientTrends.people`; 0 unless there is more than one. */
  readonly person: number;
  readonly repeatabilityPercent: number | undefined;
  /** The model in use has measured all of its studies again, in the same mode: its line goes on. */
  readonly replaced?: true;
  /** Oldest first. */
  readonly points: readonly TrendPoint[];
}

export interface PatientTrends {
  readonly trends: readonly Trend[];
  /**
   * Which studies are of one person, as far as that is proven (see `personsOf`). More than one: no line leads
   * from one to the other.
   */
  readonly people: readonly (readonly string[])[];
  readonly notCompared: readonly StudyApart[];
}

/** What trends are made of: a part of `PatientRecord`. */
export interface PatientVolumes {
  readonly volumes: readonly ReviewedVolume[];
  readonly identities: ReadonlyMap<string, Identity>;
  readonly isIdentified: boolean;
}

export interface TrendSettings {
  readonly correctedCounts: boolean;
  /** By class; null: the site has stated none. */
  readonly repeatabilityPercent: Readonly<Record<string, number | null>>;
}

/**
 * @param volumes of one patient key, oldest study first
 * @param identities of all studies that are known under it
 * @param isIdentified whether the PatientID behind the key names anybody
 * @param modelsInUse hashes of the models that measure new studies
 */
export function patientTrends(
  { volumes, identities, isIdentified }: PatientVolumes,
  settings: TrendSettings,
  modelsInUse: ReadonlySet<string> = new Set(),
): PatientTrends {
  const persons = personsOf(identities);
  const studies = [...new Set(volumes.map(({ studyInstanceUid }) => studyInstanceUid))];
  const people: string[][] = [];
  for (const study of studies) {
    const known = people.find(([first = '']) => persons.isSame(first, study));
    if (known) known.push(study);
    else people.push([study]);
  }
  const notCompared = studies.flatMap((studyInstanceUid): StudyApart[] => {
    const reason = isIdentified ? persons.whyApart(studyInstanceUid, studies) : 'no id';
    return reason === undefined ? [] : [{ studyInstanceUid, reason }];
  });
  const personOf = (study: string) => people.findIndex((one) => one.includes(study));
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
  return { trends: withReplaced(trends, modelsInUse), people, notCompared };
}

/**
 * Marks the lines that one of the model in use goes on in its place: in the same mode, and with every study
 * that the line leads to. Where that line does not lead to a study (the model in use found nothing there, or
 * a reader rejected it), nothing would show what was known of it.
 */
function withReplaced(trends: readonly Trend[], modelsInUse: ReadonlySet<string>): Trend[] {
  const studiesOf = (points: readonly TrendPoint[]) =>
    new Set(points.map(({ volume }) => volume.studyInstanceUid));
  const onLine = ({ points }: Trend) => studiesOf(points.filter(({ apart }) => apart === undefined));
  // What was withdrawn is not measured again.
  const standing = ({ points }: Trend) => studiesOf(points.filter(({ apart }) => apart !== 'withdrawn'));
  const isInUse = ({ model }: Trend) => modelsInUse.has(model.sha256);
  return trends.map((trend) => {
    if (isInUse(trend)) return trend;
    const isReplaced = trends.some(
      (other) =>
        isInUse(other) &&
        other.class === trend.class &&
        other.person === trend.person &&
        other.model.mode === trend.model.mode &&
        isWithin(onLine(trend), onLine(other)) &&
        isWithin(standing(trend), studiesOf(other.points)),
    );
    return isReplaced ? { ...trend, replaced: true } : trend;
  });
}

const isWithin = (some: ReadonlySet<string>, all: ReadonlySet<string>): boolean =>
  [...some].every((one) => all.has(one));

/** Of a study: which person's it is under its patient key, counted from 1, and why others are left out. */
export interface Comparability {
  readonly person: number;
  readonly notCompared: ApartReason | undefined;
}

/** By Study Instance UID. */
export function comparabilityOf(
  patients: readonly Pick<PatientTrends, 'people' | 'notCompared'>[],
): ReadonlyMap<string, Comparability> {
  const found = new Map<string, Comparability>();
  for (const { people, notCompared } of patients) {
    const reasons = new Map(notCompared.map(({ studyInstanceUid, reason }) => [studyInstanceUid, reason]));
    for (const [index, studies] of people.entries()) {
      for (const study of studies) found.set(study, { person: index + 1, notCompared: reasons.get(study) });
    }
  }
  return found;
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
