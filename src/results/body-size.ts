import { type DicomDataset, number } from '../dicom/reading/dataset.ts';

/** Weight and height as an image says them, where they may be those of a person. */
export interface BodySize {
  readonly weightKg: number | undefined;
  readonly heightM: number | undefined;
}

/** What people weigh and measure, newborns included. Grams and centimetres lie far beyond. */
const WEIGHT_KG = { least: 1, most: 400 } as const;
const HEIGHT_M = { least: 0.3, most: 2.5 } as const;
/** kg/m²: a weight and a height that do not belong to one person give others. */
const BODY_MASS_INDEX = { least: 8, most: 100 } as const;

const within = (value: number | undefined, { least, most }: { least: number; most: number }) =>
  value !== undefined && value >= least && value <= most ? value : undefined;

/** PatientWeight (kg) and PatientSize (m), PS3.3 C.7.2.2; of two that do not fit together, neither. */
export function bodySizeOf(image: DicomDataset): BodySize {
  const weightKg = within(number(image, 'PatientWeight'), WEIGHT_KG);
  const heightM = within(number(image, 'PatientSize'), HEIGHT_M);
  const isPair = weightKg !== undefined && heightM !== undefined;
  if (isPair && within(weightKg / heightM ** 2, BODY_MASS_INDEX) === undefined) {
    return { weightKg: undefined, heightM: undefined };
  }
  return { weightKg, heightM };
}

const CM_PER_M = 100;

/** In m², after Mosteller (N Engl J Med 1987;317:1098): the root of height (cm) times weight (kg) / 3600. */
export const bodySurfaceM2 = ({ weightKg, heightM }: BodySize): number | undefined =>
  weightKg === undefined || heightM === undefined
    ? undefined
    : Math.sqrt((heightM * CM_PER_M * weightKg) / 3600);

/** The volume by body weight and surface, with the values that went in; undefined where neither is known. */
export function bodySizeSentence(ml: number, size: BodySize): string | undefined {
  const { weightKg, heightM } = size;
  if (weightKg === undefined) return undefined;
  const surface = bodySurfaceM2(size);
  const byWeight = `${(ml / weightKg).toFixed(2)} ml/kg (weight ${weightKg} kg)`;
  const bySurface =
    surface === undefined
      ? ''
      : `; ${(ml / surface).toFixed(1)} ml/m2 (body surface ${surface.toFixed(2)} m2 after Mosteller, ` +
        `height ${heightM} m)`;
  return `Volume by body size: ${byWeight}${bySurface}.`;
}
