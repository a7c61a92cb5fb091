import { describe, expect, it } from 'vitest';
import { bodySizeOf, bodySizeSentence, bodySurfaceM2 } from '../../src/results/body-size.ts';
import { type MeaningSettings, meaningSentences } from '../../src/results/meaning.ts';
import {
  REFERENCE_MODELS,
  type ReferenceName,
  referenceSentence,
  referencesOf,
} from '../../src/results/reference-models.ts';

const NAMES = [...referencesOf('CT'), ...referencesOf('MR')];
const person = (ml: number, ageYears?: number, surface?: number) => ({
  ml,
  ageYears,
  bodySurfaceM2: surface,
});

describe('a reference model', () => {
  it('is of one modality, and each is offered', () => {
    expect(NAMES.toSorted()).toEqual(Object.keys(REFERENCE_MODELS).toSorted());
    expect(referencesOf('CT')).toEqual(['saisho2007', 'hir2020', 'abdomradiol2019']);
  });

  it.each([
    ['saisho2007', 46.6, 40, '-1.00 (mean 72.4 ml, SD 25.8 ml; CT, 20 to 60 years'],
    ['saisho2007', 98.2, 60, '1.00 (mean 72.4 ml'],
    ['hir2020', 62.648, 88, '0.00 (mean 62.648 ml, SD 19.094 ml; CT, 10 to 90 years, n = 1003'],
    ['abdomradiol2019', 34.5, 20, '-2.00 (mean 77.9 ml, SD 21.7 ml; CT, 20 to 80 years, n = 204'],
    // The narrower group counts.
    ['wang2021', 100.91, 39, '0.00 (mean 100.91 ml, SD 27.44 ml; MR, 30 to 39 years, n = 28'],
    ['wang2021', 90.09, 40, '0.00 (mean 90.09 ml, SD 25.06 ml; MR, 20 to 59 years, n = 109'],
    ['wang2021', 43.88, 93, '0.00 (mean 43.88 ml, SD 10.47 ml; MR, 80 years and more'],
    ['wang2021', 59.85, 79, '0.00 (mean 59.85 ml, SD 22.73 ml; MR, 60 years and more, n = 82'],
  ] as const)('%s: %f ml at %i years is stated as a z-score with its source', (name, ml, age, said) => {
    const sentence = referenceSentence(name, person(ml, age));
    expect(sentence).toContain(`z-score ${said}`);
    expect(sentence).toContain(REFERENCE_MODELS[name].citation);
  });

  it('of children gives the 5th percentile for the body surface', () => {
    const name = 'pediatrradiol2020';
    expect(referenceSentence(name, person(30, 10, 1.2))).toContain('5th percentile is 24.6 ml');
    expect(referenceSentence(name, person(30, 10, 1.2))).toContain('not below it');
    expect(referenceSentence(name, person(20, 10, 1.2))).toContain('the volume below it');
    expect(referenceSentence(name, person(30, 10))).toBeUndefined();
  });

  it.each([
    ['saisho2007', 19],
    ['saisho2007', 61],
    ['wang2021', 19],
    ['pediatrradiol2020', 17],
    ['hir2020', undefined],
  ] as const)('%s says nothing at an age of %s', (name, age) => {
    expect(referenceSentence(name, person(50, age, 1.5))).toBeUndefined();
  });

  it('states and never judges', () => {
    const said = NAMES.flatMap((name: ReferenceName) =>
      [5, 8, 10, 25, 35, 50, 70, 85].flatMap((age) =>
        [1, 50, 300].map((ml) => referenceSentence(name, person(ml, age, 1.2)) ?? ''),
      ),
    ).join('\n');
    expect(said).not.toMatch(/abnormal|normal|atroph|pathol|enlarged|small/i);
  });
});

describe('body size', () => {
  it.each([
    [{ PatientWeight: '75', PatientSize: '1.78' }, 75, 1.78],
    [{ PatientWeight: '3.2', PatientSize: '0.5' }, 3.2, 0.5],
    [{ PatientWeight: '75' }, 75, undefined],
    [{}, undefined, undefined],
    // Grams, centimetres, nothing, and what people write where they do not know.
    [{ PatientWeight: '75000', PatientSize: '1.78' }, undefined, 1.78],
    [{ PatientWeight: '75', PatientSize: '178' }, 75, undefined],
    [{ PatientWeight: '0', PatientSize: '0' }, undefined, undefined],
    [{ PatientWeight: '-75', PatientSize: 'tall' }, undefined, undefined],
    // Each may be a person's, both together cannot.
    [{ PatientWeight: '178', PatientSize: '0.75' }, undefined, undefined],
    [{ PatientWeight: '5', PatientSize: '1.8' }, undefined, undefined],
  ])('%o is taken as %s kg and %s m', (image, weightKg, heightM) => {
    expect(bodySizeOf(image)).toEqual({ weightKg, heightM });
  });

  it('the body surface is that of Mosteller, and is said with what went in', () => {
    const size = { weightKg: 80, heightM: 1.8 };
    expect(bodySurfaceM2(size)).toBeCloseTo(2, 10);
    expect(bodySizeSentence(76, size)).toBe(
      'Volume by body size: 0.95 ml/kg (weight 80 kg); 38.0 ml/m2 (body surface 2.00 m2 after Mosteller, ' +
        'height 1.8 m).',
    );
    expect(bodySizeSentence(76, { ...size, heightM: undefined })).toBe(
      'Volume by body size: 0.95 ml/kg (weight 80 kg).',
    );
    expect(bodySizeSentence(76, { ...size, weightKg: undefined })).toBeUndefined();
  });
});

describe('what a site wants said', () => {
  const of = { ml: 72.4, images: 'T1W', ageYears: 35, size: { weightKg: 80, heightM: 1.8 } };
  const nothing: MeaningSettings = { reference: { CT: null, MR: null }, perBodySize: false };

  it('is nothing by default, and is of the modality of the images', () => {
    expect(meaningSentences(undefined, of)).toEqual([]);
    expect(meaningSentences(nothing, of)).toEqual([]);
    const both: MeaningSettings = { reference: { CT: 'saisho2007', MR: 'wang2021' }, perBodySize: true };
    expect(meaningSentences(both, of)).toEqual([
      expect.stringContaining('Wang et al.'),
      expect.stringContaining('0.91 ml/kg'),
    ]);
    expect(meaningSentences(both, { ...of, images: 'CT' })[0]).toContain('Saisho et al.');
  });
});
