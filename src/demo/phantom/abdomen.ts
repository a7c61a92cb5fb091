import { bodyWall, createBody, loweredArms, type Organ, solidOrgans, vessels } from './anatomy.ts';
import { coverage, evaluate } from './field.ts';
import { type GlandForm, gut, pancreas } from './gut.ts';
import { Random } from './random.ts';
import { scaleTube, type Tube, tubeCentre } from './shapes.ts';

/**
 * A synthetic abdomen: shapes in patient space (mm, LPS), the same for every contrast. For demonstrations
 * only.
 */
export interface Abdomen {
  readonly seed: number;
  /** In the order of painting; the pancreas, last, covers what it touches. */
  readonly organs: readonly Organ[];
  readonly pancreas: Tube;
  readonly pancreasVolumeMl: number;
}

/**
 * Edge of the cubes by which the volume of the pancreas is integrated, mm (halving it changes the sum by
 * under 0.1 %).
 */
const INTEGRATION_STEP_MM = 0.75;

/** Edge for the first rough estimate from which the gland's thickness is set, mm. */
const ROUGH_STEP_MM = 1.5;

/** A gland that is asked for instead of the seed's own. */
export interface WantedGland extends GlandForm {
  /** About this volume, ml; what was drawn is counted. */
  readonly volumeMl: number;
  /** Share of fat between the acini, 0 to 1. */
  readonly fat?: number;
}

export interface AbdomenOptions {
  /**
   * Scales the volume of the pancreas (0.88: 12 % less) about its own centre; all else stays the same
   * patient.
   */
  readonly pancreasScale?: number;
  readonly gland?: WantedGland | undefined;
  readonly arms?: 'up' | 'down';
}

/**
 * The abdomen of a seed. Its pancreas' volume is known by integrating the shape's coverage of fine cubes.
 * What options ask for leaves the rest of the seed's anatomy as it is.
 */
export function createAbdomen(seed: number, options: AbdomenOptions = {}): Abdomen {
  const { pancreasScale = 1, gland: asked, arms = 'up' } = options;
  const random = new Random(seed);
  const body = createBody(random);
  const wall = bodyWall(body);
  const solids = solidOrgans(body);
  const bowel = gut(body);
  const glandSeed = random.bits();
  const shaped = (thickness: number) =>
    pancreas({ ...body, random: new Random(glandSeed) }, thickness, asked);
  const own = random.uniform(64, 105);
  const wanted = asked?.volumeMl ?? own;
  // Small glands are shorter as well as thinner.
  const size = asked ? Math.sqrt(wanted / USUAL_VOLUME_ML) : 1;
  const rough = tubeVolumeMl(shaped(1), ROUGH_STEP_MM);
  // Volume grows nearly with the square of the thickness; what remains is counted, not corrected.
  const thick = shaped(Math.sqrt(wanted / size / rough));
  const gland = size === 1 ? thick : scaleTube(thick, size);
  const shape = scaleTube(gland, pancreasScale);
  const organ: Organ = {
    shape,
    layers: [
      { tissue: 'fat', offset: -FAT_PLANE_MM - WASTED_FAT_MM * (asked?.atrophy ?? 0) },
      { tissue: 'pancreas', offset: 0, fat: asked?.fat ?? 0 },
    ],
    deviation: random.around(0, 0.7),
  };
  const tubes = vessels(body, gland);
  // Last of all that draws random numbers: the rest of the patient is the same with arms up and down.
  const limbs = arms === 'down' ? loweredArms(body) : [];
  return {
    seed,
    organs: [...wall, ...limbs, ...solids, ...bowel, ...tubes, organ],
    pancreas: shape,
    pancreasVolumeMl: tubeVolumeMl(gland, INTEGRATION_STEP_MM) * pancreasScale,
  };
}

/** The volume at which an asked-for gland is as long as the nominal one, ml. */
const USUAL_VOLUME_ML = 85;

/** By how much more fat surrounds a wholly wasted gland, mm. */
const WASTED_FAT_MM = 3;

/**
 * The layer of fat that parts the gland from bowel and vessels, mm: without it their walls can't be told
 * apart.
 */
const FAT_PLANE_MM = 2;

/** Volume of a tube in ml: its coverage summed over cubes of `step` mm. */
export function tubeVolumeMl(shape: Tube, step: number): number {
  let reach = 0;
  const centre = tubeCentre(shape);
  for (let i = 0; i < shape.samples.length; i += 4)
    for (const c of [0, 1, 2] as const)
      reach = Math.max(
        reach,
        Math.abs((shape.samples[i + c] ?? 0) - centre[c]) + (shape.samples[i + 3] ?? 0),
      );
  const count = 2 * Math.ceil((reach + MARGIN_MM) / step);
  const corner = centre.map((c) => c - (count / 2) * step);
  const [ox = 0, oy = 0, oz = 0] = corner;
  const grid = {
    size: [count, count, count] as const,
    affine: [step, 0, 0, ox, 0, step, 0, oy, 0, 0, step, oz, 0, 0, 0, 1],
  };
  const field = evaluate(shape, grid);
  if (!field) return 0;
  let sum = 0;
  let index = 0;
  for (let z = 0; z < field.count[2]; z++)
    for (let y = 0; y < field.count[1]; y++)
      for (let x = 0; x < field.count[0]; x++, index++) sum += coverage(field, index, x, y, z, 0);
  return (sum * step ** 3) / 1000;
}

/** Room for ripples around the tube, mm. */
const MARGIN_MM = 5;
