import type { Volume } from '../../dicom/volume.ts';
import { bodyProfile, type SliceProfile } from './body-profile.ts';

/**
 * Which part of the body a CT shows, by its pixels. abdomen: the lungs' lower end and what lies below it.
 * chest: lungs, and hardly anything below them. All else stays unknown: no images here measure how often a
 * head, a pelvis or a limb would be told wrongly.
 */
export type Station = 'abdomen' | 'chest' | 'unknown';

/** Of the body's area: more is a slice through the lungs, less one below them. */
const THROUGH_LUNG = 0.1;
const BELOW_LUNG = 0.05;
/** Lungs over less are their lower end alone. */
const CHEST_MM = 60;
/** Below the lungs' lower end: with less the pancreas is not whole, with more it is. */
const HARDLY_MM = 40;
const ENOUGH_MM = 100;
/** A trunk; the sides of a limb or a head are shorter. */
const TRUNK_CM2 = 250;

/** @param volume CT numbers (HU), axial */
export async function ctStation(volume: Volume): Promise<Station> {
  return stationOf(await bodyProfile(volume));
}

/** @param profile of the slices, in the order of their heights */
function stationOf(profile: readonly SliceProfile[]): Station {
  const fromFeet = profile.toSorted((a, b) => a.height - b.height);
  const lowest = fromFeet[0];
  const lungs = fromFeet.filter(({ lung }) => lung >= THROUGH_LUNG);
  const [end, top] = [lungs[0], lungs.at(-1)];
  if (!lowest || !end || !top) return 'unknown';
  const below = fromFeet.filter(({ height }) => height < end.height);
  const isTrunk = fromFeet.every(({ bodyCm2 }) => bodyCm2 >= TRUNK_CM2);
  const belowMm = end.height - lowest.height;
  if (top.height - end.height >= CHEST_MM && belowMm < HARDLY_MM) return 'chest';
  // The recesses of the lungs reach deep behind the liver.
  const clear = below.filter(({ lung }) => lung < BELOW_LUNG).length;
  return isTrunk && belowMm >= ENOUGH_MM && clear >= 0.8 * below.length ? 'abdomen' : 'unknown';
}
