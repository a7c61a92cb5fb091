import { type Facts, numberOf } from './facts.ts';

/** So much higher a station has to reach: stacks of one region end within centimetres of each other. */
const HIGHER_MM = 80;
/** What is shorter is no station. */
const LEAST_STATION_MM = 100;

/**
 * Whether an axial stack is a lower station than another one of the same patient coordinates: the other
 * reaches higher and begins above its middle. Of stations in a row the highest shows the upper abdomen.
 * A stack that is said to show the pancreas is no lower station. CT of chest and abdomen often comes as two
 * stations too, so of CT the other one has to be said to show the abdomen.
 */
export function isLowerStation(one: Facts, other: Facts): boolean {
  if (one.modality !== other.modality || !shareCoordinates(one, other)) return false;
  if (saysAny(one, 'pancreas')) return false;
  if (one.modality !== 'MR' && (saysAny(one, 'abdomen') || !saysAny(other, 'abdomen'))) return false;
  const [bottom, top] = [numberOf(one, 'bottom'), numberOf(one, 'top')];
  const [otherBottom, otherTop] = [numberOf(other, 'bottom'), numberOf(other, 'top')];
  if (bottom === undefined || top === undefined || otherBottom === undefined || otherTop === undefined)
    return false;
  return (
    otherTop - top >= HIGHER_MM &&
    otherBottom >= (bottom + top) / 2 &&
    otherTop - otherBottom >= LEAST_STATION_MM
  );
}

/** A Frame of Reference that an anonymizer has taken away rules nothing out. */
const shareCoordinates = ({ frameOfReference: one }: Facts, { frameOfReference: other }: Facts): boolean =>
  one === undefined || other === undefined || one === other;

const saysAny = ({ says }: Facts, concept: string): boolean => Array.isArray(says) && says.includes(concept);
