import { describe, expect, it } from 'vitest';
import { fromDicomJson } from '../../src/dicom/dataset.ts';
import { chooseSeries, ForcedSeriesError } from '../../src/pipeline/selection/choose-series.ts';
import { type Facts, factsOf } from '../../src/pipeline/selection/facts.ts';
import { type Rule, readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { type CandidateSeries, selectSeries } from '../../src/pipeline/selection/select.ts';

const rules = readSelectionRules(null, []);

const ct: Facts = {
  modality: 'CT',
  orientation: 'axial',
  instances: 90,
  imageType: 'ORIGINAL\\PRIMARY\\AXIAL',
};
const mr: Facts = { modality: 'MR', orientation: 'axial', instances: 40, imageType: 'ORIGINAL\\PRIMARY' };
const t1: Facts = { ...mr, sequence: 'GR', repetitionTime: 4, echoTime: 1.3, words: 't1 vibe fs tra' };
const t2: Facts = { ...mr, sequence: 'SE', repetitionTime: 1200, echoTime: 90, words: 't2 haste tra' };

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
  it('takes an abdominal CT, a T1-weighted gradient echo and a T2-weighted spin echo', () => {
    expect(only({ ...ct, words: 'abdomen portal venous' }).class).toBe('CT_ABDOMEN');
    expect(only(t1).class).toBe('T1W');
    expect(only(t2).class).toBe('T2W');
  });

  it.each([
    ['a localizer', { ...ct, words: 'abdomen', imageType: 'ORIGINAL\\PRIMARY\\LOCALIZER' }],
    ['a coronal reformat', { ...ct, words: 'abdomen cor', orientation: 'coronal' }],
    ['a series without orientation', { modality: 'CT', instances: 90, words: 'abdomen' }],
    ['a handful of images', { ...ct, words: 'abdomen', instances: 5 }],
    ['a lung kernel', { ...ct, words: 'abdomen', kernel: 'I70f' }],
    ['a CT that does not say what it shows', { ...ct, words: 'standard 3.0' }],
    ['a diffusion series', { ...t2, words: 'ep2d diff b800', sequence: 'EP\\SE' }],
    ['an ADC map', { ...mr, imageType: 'DERIVED\\PRIMARY\\ADC' }],
    ['an opposed-phase image', { ...t1, imageType: 'ORIGINAL\\PRIMARY\\OPP_PHASE' }],
    ['an MRCP', { ...t2, words: 'mrcp', echoTime: 700 }],
    ['a segmentation', { modality: 'SEG', instances: 1 }],
  ])('refuses %s, with a reason', (_name, facts) => {
    const decision = only(facts);
    expect(decision).toMatchObject({ class: 'NONE', chosen: false });
    expect(decision.reason).not.toBe('');
  });

  it('chooses the portal venous phase, and says of the other why not', () => {
    const arterial = series('1', { ...ct, words: 'abdomen arterial' });
    const portal = series('2', { ...ct, words: 'abdomen portal venous' });
    const [first, second] = selectSeries([arterial, portal], rules);
    expect(first).toMatchObject({ class: 'CT_ABDOMEN', chosen: false });
    expect(first?.reason).toContain('the portal venous phase');
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
      reason: 'our protocol',
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
    const named = [series('1', { ...mr, words: 'sequence 5' })];
    expect(() => chooseSeries(named, rules, all, { seriesInstanceUid: '1' })).toThrow(ForcedSeriesError);
    expect(chooseSeries(named, rules, all, { seriesInstanceUid: '1', class: 'T1W' })[0]?.class).toBe('T1W');
    expect(() => chooseSeries(named, rules, all, { seriesInstanceUid: '9' })).toThrow(/no series 9/);
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
      instances: 30,
    });
  });

  it('are left out where the header does not have them', () => {
    expect(factsOf(fromDicomJson({ '00180081': { vr: 'DS' } }), 3)).toEqual({ instances: 3 });
  });
});
