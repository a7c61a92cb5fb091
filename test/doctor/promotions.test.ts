import { describe, expect, it } from 'vitest';
import { checkPromotions } from '../../src/doctor/check-promotions.ts';
import { namesInUse, type Promotion } from '../../src/store/records/promotions.ts';

const promotion: Promotion = {
  class: 'CT',
  modelName: 'new',
  modelVersion: '1.0.0',
  modelSha256: 'a',
  former: 'old',
  promotedBy: 'somebody',
  because: undefined,
  promotedAt: new Date('2026-03-01T10:00:00Z'),
  overruledAt: undefined,
  overruledBy: undefined,
};
const overruled: Promotion = { ...promotion, overruledAt: new Date('2026-03-02'), overruledBy: 'old' };

describe('which model is in use', () => {
  const configured = { CT: 'old', T1W: 't1', T2W: null };
  const inUse = (...promotions: Promotion[]) =>
    namesInUse(configured, new Map(promotions.map((one) => [one.class, one])));

  it('is the one that was promoted, until the configuration overruled it; else the configured one', () => {
    expect(inUse()).toEqual(configured);
    expect(inUse(promotion)).toEqual({ ...configured, CT: 'new' });
    expect(inUse(overruled)).toEqual(configured);
    expect(inUse({ ...promotion, class: 'T2W' })).toEqual({ ...configured, T2W: 'new' });
  });
});

describe('doctor', () => {
  const told = {
    model: 'new',
    by: 'somebody',
    at: '2026-03-01T10:00:00.000Z',
    overruledAt: null,
    sha256: 'a',
  };

  it('warns where the configuration names another model than the promoted one', () => {
    const [finding, ...others] = checkPromotions([{ class: 'CT', configured: 'old', promotion: told }]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      verdict: 'warning',
      what: 'new was promoted on 2026-03-01 by somebody, and the configuration names old at models.CT',
      why: expect.stringContaining('When a node starts, old is in use again'),
    });
    const after = { ...told, overruledAt: '2026-03-02T10:00:00.000Z' };
    expect(checkPromotions([{ class: 'CT', configured: 'old', promotion: after }])[0]?.why).toBe(
      'old is in use again since a node started on 2026-03-02.',
    );
  });

  it('tells of a promoted model whose folder holds another by now', () => {
    const ct = { class: 'CT', configured: 'new', promotion: told };
    const models = [ct];
    expect(checkPromotions(models, new Map([['new', 'a']]))).toEqual([]);
    expect(checkPromotions(models, new Map([['new', 'b']]))).toMatchObject([
      { verdict: 'problem', what: expect.stringContaining('holds another model') },
    ]);
    const overruledSince = { ...told, overruledAt: '2026-03-02T10:00:00.000Z' };
    const [one] = checkPromotions([{ ...ct, promotion: overruledSince }], new Map([['new', 'b']]));
    expect(one).toBeUndefined();
  });

  it('says nothing where it names the same, or none, or nothing was promoted', () => {
    const models = [
      { class: 'CT', configured: 'new', promotion: told },
      { class: 'T1W', configured: null, promotion: told },
      { class: 'T2W', configured: 'old', promotion: null },
    ];
    expect(checkPromotions(models)).toEqual([]);
  });
});
