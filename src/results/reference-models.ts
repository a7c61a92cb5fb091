/**
 * What publications say of the volume of the pancreas, as their abstracts have it. A site chooses one per
 * modality, or none; nothing here says what is normal for a patient.
 */

/** Volumes of people of these ages, both included. */
interface AgeGroup {
  readonly ages: readonly [from: number, to: number];
  /** People measured in the group; undefined where the abstract does not say. */
  readonly n?: number;
  readonly meanMl: number;
  /** Standard deviation, ml. */
  readonly sdMl: number;
}

interface ReferenceModel {
  readonly modality: 'CT' | 'MR';
  readonly citation: string;
  readonly doi: string;
  /** Who was measured. */
  readonly population: string;
  /** How the volumes depend on sex, as published. */
  readonly sex: string;
  /** Mean and standard deviation; where groups overlap, the one of fewer years counts. */
  readonly groups?: readonly AgeGroup[];
  /** The 5th percentile, ml: slope times the body surface (m²), plus intercept; and for which ages. */
  readonly fifthPercentile?: {
    readonly ages: readonly [from: number, to: number];
    readonly slopeMlPerM2: number;
    readonly interceptMl: number;
  };
}

export const REFERENCE_MODELS = {
  saisho2007: {
    modality: 'CT',
    citation: 'Saisho et al., Clin Anat 2007;20:933-942',
    doi: '10.1002/ca.20543',
    population: 'non-diabetic adults (1,721 of all ages)',
    sex: 'both sexes together',
    groups: [{ ages: [20, 60], meanMl: 72.4, sdMl: 25.8 }],
  },
  hir2020: {
    modality: 'CT',
    citation: 'Healthc Inform Res 2020;26:321-327',
    doi: '10.4258/hir.2020.26.4.321',
    population: 'people of 10 to 90 years',
    sex: 'both sexes together; volumes fall with age',
    groups: [{ ages: [10, 90], n: 1_003, meanMl: 62.648, sdMl: 19.094 }],
  },
  abdomradiol2019: {
    modality: 'CT',
    citation: 'Abdom Radiol 2019;44:958-966',
    doi: '10.1007/s00261-018-1793-8',
    population: 'trauma patients without pancreatic disease, 100 of them male',
    sex: 'no independent association with sex',
    groups: [{ ages: [20, 80], n: 204, meanMl: 77.9, sdMl: 21.7 }],
  },
  wang2021: {
    modality: 'MR',
    citation: 'Wang et al., Chin J Geriatr 2021;40:756-760',
    doi: '10.3760/cma.j.issn.0254-9026.2021.06.014',
    population: 'healthy people at a check-up, 191 in all, 96 of them male',
    sex: 'both sexes together',
    // Of 80 years and more: 26 by the English abstract, 24 by the Chinese one, and by its sums.
    groups: [
      { ages: [30, 39], n: 28, meanMl: 100.91, sdMl: 27.44 },
      { ages: [80, 120], meanMl: 43.88, sdMl: 10.47 },
      { ages: [20, 59], n: 109, meanMl: 90.09, sdMl: 25.06 },
      { ages: [60, 120], n: 82, meanMl: 59.85, sdMl: 22.73 },
    ],
  },
  pediatrradiol2020: {
    modality: 'MR',
    citation: 'Pediatr Radiol 2020;50:684-688',
    doi: '10.1007/s00247-019-04605-z',
    population: '50 healthy children',
    sex: 'no significant difference between the sexes',
    fifthPercentile: { ages: [6, 16], slopeMlPerM2: 24.66, interceptMl: -4.97 },
  },
} as const satisfies Record<string, ReferenceModel>;

export type ReferenceName = keyof typeof REFERENCE_MODELS;

const NAMES = Object.keys(REFERENCE_MODELS).filter((name): name is ReferenceName => name in REFERENCE_MODELS);
export const referencesOf = (modality: ReferenceModel['modality']): ReferenceName[] =>
  NAMES.filter((name) => REFERENCE_MODELS[name].modality === modality);

/** What a volume is looked at beside. */
export interface MeasuredPerson {
  readonly ml: number;
  /** On the day of the study, in full years. */
  readonly ageYears: number | undefined;
  readonly bodySurfaceM2: number | undefined;
}

/**
 * Where a volume stands in a reference model, in a sentence that names its source; undefined where the model
 * says nothing of people of this age, or too little is known of the patient. It never judges.
 */
export function referenceSentence(name: ReferenceName, person: MeasuredPerson): string | undefined {
  const model: ReferenceModel = REFERENCE_MODELS[name];
  const { ml, ageYears, bodySurfaceM2: surface } = person;
  if (ageYears === undefined) return undefined;
  const covers = ({ ages: [from, to] }: Pick<AgeGroup, 'ages'>) => from <= ageYears && ageYears <= to;
  const source = `${model.citation}. Other scanners, methods and populations differ.`;
  const years = ({ ages: [from, to] }: Pick<AgeGroup, 'ages'>) =>
    to >= OLDEST ? `${from} years and more` : `${from} to ${to} years`;
  const [group] = (model.groups ?? [])
    .filter(covers)
    .toSorted((a, b) => a.ages[1] - a.ages[0] - (b.ages[1] - b.ages[0]));
  if (group) {
    const { meanMl, sdMl, n } = group;
    const z = ((ml - meanMl) / sdMl).toFixed(2);
    return (
      `Reference: z-score ${z} (mean ${meanMl} ml, SD ${sdMl} ml; ${model.modality}, ${years(group)}` +
      `${n === undefined ? '' : `, n = ${n}`}; ${model.population}; ${model.sex}): ${source}`
    );
  }
  const fifth = model.fifthPercentile;
  if (!fifth || !covers(fifth) || surface === undefined) return undefined;
  const limit = fifth.slopeMlPerM2 * surface + fifth.interceptMl;
  return (
    `Reference: the 5th percentile is ${limit.toFixed(1)} ml for a body surface of ` +
    `${surface.toFixed(2)} m2, and the volume ${ml < limit ? 'below' : 'not below'} it ` +
    `(${model.modality}, ${years(fifth)}; ${model.population}; ${model.sex}): ${source}`
  );
}

/** An upper end that stands for none. */
const OLDEST = 120;
