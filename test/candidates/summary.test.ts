import { describe, expect, it } from 'vitest';
import { candidatesBody } from '../../src/candidates/page.ts';
import { candidateReport } from '../../src/candidates/summary.ts';
import type { ComparedCandidate } from '../../src/store/records/candidates.ts';

interface Case {
  readonly study: string;
  readonly inUse: number;
  readonly candidate: number;
  readonly dice: number;
  readonly decision?: 'accepted' | 'rejected';
  readonly corrected?: readonly [candidate: number, inUse: number];
  readonly flags?: readonly [inUse: string[], candidate: string[]];
  readonly class?: string;
  readonly sha256?: string;
}

function compared(one: Case): ComparedCandidate {
  const { study, inUse, candidate, dice, decision, corrected, flags = [[], []] } = one;
  const finding = (name: string, volumeMl: number, itsFlags: string[], sha256 = name) => ({
    model: { name, version: '1.0.0', sha256, mode: 'fast' as const },
    volumeMl,
    voxelCount: Math.round(volumeMl * 1000),
    intervalMl: null,
    flags: itsFlags,
  });
  return {
    studyInstanceUid: study,
    studyDate: '20260301',
    seriesInstanceUid: `${study}.1`,
    part: '',
    class: one.class ?? 'CT',
    candidate: 'new',
    report: `${study}.9`,
    correction: null,
    inUse: { ...finding('old', inUse, flags[0]), seg: null },
    result: {
      ...finding('new', candidate, flags[1], one.sha256),
      dice,
      corrected: corrected ? { volumeMl: 50, candidateDice: corrected[0], inUseDice: corrected[1] } : null,
      software: '1.0.0',
    },
    decision,
  };
}

const reportOf = (...cases: Case[]) => candidateReport(cases.map(compared), []);

function groupOf(...cases: Case[]) {
  const [group] = reportOf(...cases).groups;
  if (!group) throw new Error('there is a group');
  return group;
}

describe('a candidate beside the model in use', () => {
  it('has volumes with bias and limits of Bland and Altman, where both found something', () => {
    const { volumes, nothingFound } = groupOf(
      { study: '1', inUse: 50, candidate: 52, dice: 0.9 },
      { study: '2', inUse: 60, candidate: 61, dice: 0.95 },
      { study: '3', inUse: 70, candidate: 70, dice: 1 },
      { study: '4', inUse: 40, candidate: 0, dice: 0 },
      { study: '5', inUse: 0, candidate: 12, dice: 0 },
      { study: '6', inUse: 0, candidate: 0, dice: 1 },
    );
    // Differences 2, 1, 0: mean 1, standard deviation 1.
    expect(volumes).toMatchObject({ n: 3, bias: 1, sd: 1, lowerLimit: -0.96, upperLimit: 2.96 });
    expect(nothingFound).toEqual({ both: 1, candidateOnly: 1, inUseOnly: 1 });
    expect(groupOf({ study: '1', inUse: 50, candidate: 52, dice: 0.9 }).volumes).toBeNull();
  });

  it('is shown worst first: by Dice, then by the difference of the volumes', () => {
    const { cases, dice } = groupOf(
      { study: '1', inUse: 50, candidate: 52, dice: 0.9 },
      { study: '2', inUse: 60, candidate: 50, dice: 0.9 },
      { study: '3', inUse: 70, candidate: 70, dice: 0.4 },
    );
    expect(cases.map(({ studyInstanceUid }) => studyInstanceUid)).toEqual(['3', '2', '1']);
    expect(cases[1]?.differenceMl).toBe(-10);
    expect(dice).toMatchObject({ n: 3, median: 0.9, lowest: 0.4 });
    expect(dice.mean).toBeCloseTo(2.2 / 3, 12);
  });

  it("is held against readers' verdicts and corrections", () => {
    const { verdicts, corrections } = groupOf(
      { study: '1', inUse: 50, candidate: 52, dice: 0.9, decision: 'accepted' },
      { study: '2', inUse: 60, candidate: 56, dice: 0.8, decision: 'accepted', corrected: [0.9, 0.7] },
      { study: '3', inUse: 70, candidate: 50, dice: 0.4, decision: 'rejected', corrected: [0.8, 0.9] },
      { study: '4', inUse: 70, candidate: 70, dice: 1, corrected: [0.5, 0.5] },
    );
    expect(
      verdicts.map(({ decision, dice, medianDifferenceMl }) => [decision, dice.n, medianDifferenceMl]),
    ).toEqual([
      ['accepted', 2, 3],
      ['rejected', 1, 20],
      ['none', 1, 0],
    ]);
    expect(corrections).toMatchObject({ n: 3, candidateNearer: 1, inUseNearer: 1 });
    expect(corrections.candidateDice).toBeCloseTo(2.2 / 3, 12);
    expect(corrections.inUseDice).toBeCloseTo(0.7, 12);
  });

  it('counts flags by who raised them', () => {
    const { flags } = groupOf(
      { study: '1', inUse: 50, candidate: 52, dice: 0.9, flags: [['a', 'b'], ['b']] },
      { study: '2', inUse: 50, candidate: 52, dice: 0.9, flags: [[], ['b']] },
    );
    expect(flags).toEqual([
      { flag: 'a', both: 0, candidateOnly: 0, inUseOnly: 1 },
      { flag: 'b', both: 1, candidateOnly: 1, inUseOnly: 0 },
    ]);
  });

  it('is never counted together with another model, other weights or other images', () => {
    const { groups } = reportOf(
      { study: '1', inUse: 50, candidate: 52, dice: 0.9, class: 'T1W' },
      { study: '2', inUse: 50, candidate: 52, dice: 0.9 },
      { study: '3', inUse: 50, candidate: 52, dice: 0.9, sha256: 'imported anew' },
    );
    expect(groups.map((group) => [group.class, group.candidate.sha256])).toEqual([
      ['CT', 'imported anew'],
      ['CT', 'new'],
      ['T1W', 'new'],
    ]);
  });

  it('is told with what it is called as text, whatever that is', () => {
    const { text } = candidatesBody(
      candidateReport([], [{ class: 'CT', candidate: '<b>', waiting: 1, failed: 2, reason: '<script>' }]),
      '/base',
    );
    expect(text).not.toMatch(/<b>|<script>/);
    expect(text).toContain('1 image series to be segmented yet, 2 failed');
  });
});
