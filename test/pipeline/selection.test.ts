import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromDicomJson } from '../../src/dicom/reading/dataset.ts';
import { candidatesOf } from '../../src/pipeline/selection/candidates.ts';
import { chooseSeries } from '../../src/pipeline/selection/choose-series.ts';
import { type Facts, factsOf } from '../../src/pipeline/selection/facts.ts';
import { type Rule, readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { type CandidateSeries, selectSeries } from '../../src/pipeline/selection/select.ts';
import { SelectionError } from '../../src/pipeline/selection/selection-error.ts';
import type { Point } from '../../src/pipeline/selection/stack.ts';
import { conceptsIn, folded } from '../../src/pipeline/selection/words.ts';

const rules = readSelectionRules(null, []);

const ct: Facts = {
  modality: 'CT',
  orientation: 'axial',
  slices: 90,
  imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
};
const mr: Facts = { modality: 'MR', orientation: 'axial', slices: 40, words: 'liver' };
const t1: Facts = { ...mr, sequence: ['GR'], acquisitionType: '3D', repetitionTime: 4, echoTime: 1.3 };
const t2: Facts = { ...mr, sequence: ['SE'], repetitionTime: 1200, echoTime: 90 };

const series = (uid: string, facts: Facts): CandidateSeries => ({
  seriesInstanceUid: uid,
  description: String(facts.words ?? uid),
  facts,
});
const only = (facts: Facts) => {
  const [decision] = selectSeries([series('1', facts)], rules);
  if (!decision) throw new Error('no decision');
  return decision;
};
const all = { has: () => true };

describe('series selection', () => {
  it('chooses the portal venous phase, and says of the other why not', () => {
    const arterial = series('1', { ...ct, words: 'abdomen arterial' });
    const portal = series('2', { ...ct, words: 'abdomen portal venous' });
    const [first, second] = selectSeries([arterial, portal], rules);
    expect(first).toMatchObject({ class: 'CT_ABDOMEN', chosen: false });
    expect(first?.reason).toMatch(/arterial phase, by its description; not chosen: .*portal venous/);
    expect(second?.reason).toContain('portal phase, by its description');
    expect(second?.chosen).toBe(true);
  });

  it('chooses one series of each class, the same one in whatever order they come', () => {
    const study = [series('b', t1), series('a', t1), series('c', t2)];
    const chosen = (list: CandidateSeries[]) =>
      selectSeries(list, rules)
        .filter((decision) => decision.chosen)
        .map((decision) => decision.seriesInstanceUid)
        .sort();
    expect(chosen(study)).toEqual(['a', 'c']);
    expect(chosen(study.toReversed())).toEqual(['a', 'c']);
  });

  it("lets a site's own rule go before all others", () => {
    const rule: Rule = {
      when: { words: { matches: 'lung delays' } },
      class: 'CT_ABDOMEN',
      reason: 'our protocol',
    };
    const facts = { ...ct, words: 'lung delays' };
    expect(only(facts).class).toBe('NONE');
    expect(selectSeries([series('1', facts)], readSelectionRules(null, [rule]))[0]).toMatchObject({
      class: 'CT_ABDOMEN',
      chosen: true,
      reason: 'our protocol; delayed phase, by its description',
    });
  });

  it('does not choose a series for which no model is configured, and says so', () => {
    const [decision] = chooseSeries([series('1', t2)], rules, { has: (name) => name !== 'T2W' });
    expect(decision).toMatchObject({ class: 'T2W', chosen: false });
    expect(decision?.reason).toContain('no model');
  });

  it('takes a named series whatever the rules say, and only that one', () => {
    const named = series('1', { ...ct, words: 'lung' });
    const other = series('2', { ...ct, words: 'abdomen' });
    expect(chooseSeries([named, other], rules, all, { seriesInstanceUid: '1' })).toMatchObject([
      { class: 'CT_ABDOMEN', chosen: true },
      { class: 'CT_ABDOMEN', chosen: false },
    ]);
  });

  it('does not guess what a named MR series is', () => {
    const named = [series('1', mr)];
    expect(() => chooseSeries(named, rules, all, { seriesInstanceUid: '1' })).toThrow(SelectionError);
    expect(chooseSeries(named, rules, all, { seriesInstanceUid: '1', class: 'T1W' })[0]?.class).toBe('T1W');
    expect(() => chooseSeries(named, rules, all, { seriesInstanceUid: '9' })).toThrow(/no series 9/);
  });
});

describe('parts of a series', () => {
  const part = (name: string, facts: Facts): CandidateSeries => ({
    ...series('1', facts),
    part: { name, images: new Set([name]) },
  });

  it('are chosen like series, and named', () => {
    const decisions = selectSeries(
      [
        part('AcquisitionNumber 1', { ...ct, words: 'liver arterial' }),
        part('AcquisitionNumber 2', { ...ct, words: 'liver portal' }),
      ],
      rules,
    );
    expect(decisions.map((one) => one.chosen)).toEqual([false, true]);
    expect(decisions[1]).toMatchObject({
      description: 'liver portal (AcquisitionNumber 2)',
      part: { images: new Set(['AcquisitionNumber 2']) },
    });
  });

  it('stand as one series where none is of use', () => {
    const dwi = (b: number) => part(`b-value ${b}`, { ...t2, sequence: ['EP'], bValue: b, images: b });
    const decisions = selectSeries([dwi(50), dwi(800)], rules);
    expect(decisions).toEqual([
      {
        seriesInstanceUid: '1',
        description: 'liver',
        class: 'NONE',
        certainty: 'no',
        chosen: false,
        reason: 'a diffusion or echo-planar image',
      },
    ]);
  });

  it('of a series that somebody named are chosen by the rules', () => {
    const arterial = part('AcquisitionNumber 1', { ...ct, words: 'liver arterial' });
    const portal = part('AcquisitionNumber 2', { ...ct, words: 'liver portal' });
    const other = { ...series('2', { ...ct, words: 'abdomen portal' }) };
    const decisions = chooseSeries([arterial, portal, other], rules, all, { seriesInstanceUid: '1' });
    expect(decisions.filter((one) => one.chosen)).toMatchObject([{ part: { name: 'AcquisitionNumber 2' } }]);
  });

  it('know each of their images', () => {
    const headers = [1, 2].flatMap((AcquisitionNumber) =>
      Array.from({ length: 5 }, (_, k) => ({
        SOPInstanceUID: `1.${AcquisitionNumber}.${k}`,
        AcquisitionNumber,
        ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
        ImagePositionPatient: ['0', '0', String(k)],
      })),
    );
    const [first, second] = candidatesOf('1', headers);
    expect([...(first?.part?.images ?? [])]).toEqual(['1.1.0#0', '1.1.1#0', '1.1.2#0', '1.1.3#0', '1.1.4#0']);
    expect(second?.facts).toMatchObject({ images: 5, slices: 5, volumes: 1 });
  });

  it('of three directions are a localizer', () => {
    const planes = [
      ['1', '0', '0', '0', '1', '0'],
      ['1', '0', '0', '0', '0', '-1'],
      ['0', '1', '0', '0', '0', '-1'],
    ];
    const headers = planes.flatMap((ImageOrientationPatient, plane) =>
      Array.from({ length: 20 }, (_, k) => ({
        Modality: 'MR',
        SOPInstanceUID: `1.${plane}.${k}`,
        ImageOrientationPatient,
        ImagePositionPatient: [9 * k, 9 * k, 9 * k].map(String),
      })),
    );
    expect(selectSeries(candidatesOf('1', headers), rules)).toMatchObject([
      { class: 'NONE', reason: 'a localizer, as it looks in three directions' },
    ]);
  });

  it('are refused with the reason where nothing tells their images apart', () => {
    const problem = 'up to 2 of its images lie at one place';
    const [decision] = selectSeries([{ ...series('1', { ...ct, words: 'abdomen' }), problem }], rules);
    expect(decision).toMatchObject({ class: 'NONE', chosen: false });
    expect(decision?.reason).toBe(`axial CT whose description says abdomen, but ${problem}`);
  });
});

describe('a file of rules', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'rules-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const reading = (change: (text: string) => string) => {
    const file = path.join(folder, 'rules.yaml');
    writeFileSync(file, change(readFileSync('config/selection.yaml', 'utf8')));
    return () => readSelectionRules(file, []);
  };

  it('is refused where a rule asks for a concept that the vocabulary lacks', () => {
    expect(reading((text) => text)).not.toThrow();
    expect(
      reading((text) => text.replace('says: { oneOf: [bolusTracking] }', 'says: { oneOf: [bolus] }')),
    ).toThrow(/rules\.yaml: the vocabulary does not have bolus$/);
  });

  it('is refused where a fact or a test is not known, naming the place', () => {
    expect(
      reading((text) => text.replace('sliceThickness: { atLeast: 5.6 }', 'thickness: { atLeast: 5 }')),
    ).toThrow(/rules/);
    expect(reading((text) => text.replace('atLeast: 5.6', 'above: 5.6'))).toThrow(/rules/);
  });
});

describe('facts of a series', () => {
  it('come from the header, in the words of the rules', () => {
    const header = fromDicomJson({
      '00080060': { vr: 'CS', Value: ['MR'] },
      '0008103E': { vr: 'LO', Value: ['T2_HASTE-Tra (FS)'] },
      '00180080': { vr: 'DS', Value: ['1200'] },
      '00200037': { vr: 'DS', Value: [1, 0, 0, 0, '0.98', '-0.17'] },
    });
    expect(factsOf(header, 30)).toEqual({
      modality: 'MR',
      words: 't2 haste tra fs',
      repetitionTime: 1200,
      orientation: 'axial',
      colour: 'no',
      orientations: 1,
      images: 30,
      slices: 30,
      volumes: 1,
    });
  });

  it('are left out where the header does not have them', () => {
    const known = factsOf(fromDicomJson({ '00180081': { vr: 'DS' } }), 3);
    expect(known).toEqual({ colour: 'no', orientations: 1, images: 3, slices: 3, volumes: 1 });
  });

  it('count places, images at one place and the extent along the normal', () => {
    const header = { ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'] };
    const positions = [0, 2, 4, 0, 2, 4].map((z): Point => [0, 0, z]);
    expect(factsOf(header, 6, { positions })).toMatchObject({
      images: 6,
      slices: 3,
      volumes: 2,
      coverage: 6,
      spacing: 2,
      bottom: 0,
      top: 4,
    });
    expect(factsOf(header, 6, { positions: positions.map(() => [0, 0, 9]) })).toMatchObject({
      slices: 1,
      volumes: 6,
      coverage: 0,
    });
  });

  it('of an enhanced image come from a frame', () => {
    const frame = {
      FrameType: ['DERIVED', 'PRIMARY', 'DIXON', 'WATER'],
      EffectiveEchoTime: 1.2,
      EchoPulseSequence: 'GRADIENT',
    };
    expect(factsOf(frame, 90)).toMatchObject({ imageType: frame.FrameType, echoTime: 1.2, sequence: ['GR'] });
  });
});

describe('words', () => {
  const vocabulary = { portal: ['portal*', 'pv', '門脈'], fat: ['f$'], late: ['# min*'], plane: ['3 pl*'] };

  it.each([
    ['Abdomen PORTALVENÖS', ['portal']],
    ['abd_pv_W', ['portal']],
    ['１．０　門脈相', ['portal']],
    ['LeberPortalVenös', ['portal']],
    ['important pvc', []],
    ['t1_dixon_F', ['fat']],
    ['F wave', []],
    ['spät 20min', ['late']],
    ['3-Plane Loc', ['plane']],
    ['3plane', ['plane']],
  ])('of "%s"', (text, concepts) => expect(conceptsIn(folded(text), vocabulary)).toEqual(concepts));

  it('lose accents and case in every language, but not what makes another letter', () => {
    expect(folded('Tüm BATIN (İV) – Łódź ß')).toBe('tum batin iv lodz ss');
    expect(folded('ガ')).not.toBe(folded('カ'));
    expect(folded('T2* R2*')).toBe('t2star r2star');
  });
});
