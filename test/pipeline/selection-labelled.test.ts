import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { predictStudies } from '../../src/pipeline/selection/metadata-file.ts';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { type Element, labelledSet, type Score, score } from '../support/labelled-studies.ts';
import { describeWith, shared } from '../support/requires.ts';

describeWith(['shared'], 'the labelled studies', () => {
  const rules = readSelectionRules(null, []);
  const folder = mkdtempSync(path.join(tmpdir(), 'labelled-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(shared('series-selection', 'public.json'), 'utf8');

  /** The score of the set after a change of every header. */
  function scoreOf(change: (header: Record<string, Element>) => void): Score {
    const studies = labelledSet.parse(JSON.parse(text));
    for (const { series } of studies) for (const { metadata } of series) change(metadata);
    const file = path.join(folder, 'set.json');
    writeFileSync(file, JSON.stringify(studies));
    return score(studies, predictStudies(file, rules));
  }
  const without =
    (...tags: string[]) =>
    (header: Record<string, Element>): void => {
      for (const tag of tags) delete header[tag];
    };
  const [description, protocol, study, bodyPart] = ['0008103E', '00181030', '00081030', '00180015'] as const;
  const times = ['00080031', '00080032', '00080033', '0008002A'];

  it('are classed and chosen as they are labelled', () => {
    const { classes, selections, harmful } = scoreOf(() => undefined);
    expect(classes).toBeGreaterThanOrEqual(197);
    expect(selections).toBe(29);
    expect(harmful).toEqual([]);
  });

  it('have a reason for every series', () => {
    const reasons = Object.values(predictStudies(shared('series-selection', 'public.json'), rules)).flatMap(
      (one) => Object.values(one.reasons),
    );
    expect(reasons).toHaveLength(199);
    expect(reasons.every((reason) => reason.length > 3)).toBe(true);
  });

  it('are told by physics where no series has a description', () => {
    const { classes, selections, harmful } = scoreOf(without(description, protocol));
    expect(classes).toBeGreaterThanOrEqual(195);
    expect(selections).toBeGreaterThanOrEqual(27);
    expect(harmful).toEqual([]);
  });

  /** Everything that people write about a series, and the part of the body. */
  const written = ['0008103E', '00081030', '00081032', '00180015', '00181030', '00321060', '00400254'];
  it.each<[string, number, string[]]>([
    ['all text', 28, written],
    ['all text and ImageType', 27, [...written, '00080008']],
  ])('are told by physics without %s', (_, atLeast, tags) => {
    const { selections, harmful } = scoreOf(without(...tags));
    expect(selections).toBeGreaterThanOrEqual(atLeast);
    expect(harmful.length).toBeLessThanOrEqual(1);
  });

  it.each(['HEAD', 'CHEST', 'PELVIS', 'ABDOMEN'])(
    'do not believe BodyPartExamined: %s everywhere',
    (part) => {
      const claim = (header: Record<string, Element>): void =>
        void (header[bodyPart] = { vr: 'CS', Value: [part] });
      expect(scoreOf(claim)).toMatchObject({ selections: 29, harmful: [] });
    },
  );

  it.each<[string, number, string[]]>([
    ['description and study', 25, [description, protocol, study]],
    ['anything that names a part of the body', 12, [description, protocol, study, bodyPart]],
    ['times', 29, times],
    ['descriptions and times', 24, [description, protocol, ...times]],
    ['ScanningSequence', 29, ['00180020']],
    ['SequenceName', 29, ['00180024']],
    ['RepetitionTime', 27, ['00180080']],
    ['EchoTime', 27, ['00180081']],
    ['FlipAngle', 29, ['00181314']],
    ['ConvolutionKernel', 28, ['00181210']],
    ['ContrastBolusAgent', 29, ['00180010', '00180012']],
    ['ScanOptions', 29, ['00180022']],
    ['SliceThickness', 29, ['00180050']],
    ['MRAcquisitionType', 29, ['00180023']],
    ['PixelSpacing', 29, ['00280030']],
  ])('do no harm without %s', (_, atLeast, tags) => {
    const { selections, harmful } = scoreOf(without(...tags));
    expect(selections).toBeGreaterThanOrEqual(atLeast);
    expect(harmful).toEqual([]);
  });

  it('do no harm where every header or none names a contrast agent, and no description tells the phase', () => {
    const agent = (header: Record<string, Element>): void => {
      without(description, protocol)(header);
      header['00180010'] = { vr: 'LO', Value: ['any agent'] };
    };
    expect(scoreOf(agent).harmful).toEqual([]);
    expect(scoreOf(without(description, protocol, '00180010', '00180012')).harmful).toEqual([]);
  });
});
