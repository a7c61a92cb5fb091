import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDicomJson } from '../../src/dicom/reading/dataset.ts';
import { isClaimable, startOf } from '../../src/orders/claimable.ts';
import { search } from '../../src/orders/matching.ts';
import { checkNew, received, WorkitemInvalid } from '../../src/orders/new-workitem.ts';
import { isRefusal, readOrder } from '../../src/orders/order.ts';
import { completionOf } from '../../src/orders/performed.ts';
import { DISCONTINUATION } from '../../src/orders/reasons.ts';
import { verdictOn, type Wish } from '../../src/orders/state-rules.ts';
import { WORKITEM_STATES } from '../../src/store/orders/workitems.ts';
import { inputItem, STATION, workitem } from '../support/order-node.ts';
import type { Json } from '../support/worklist-server.ts';

const HOSTS = new Set(['pacs.example']);
const read = (item: Json) => readOrder(fromDicomJson(item), HOSTS);

describe('an order', () => {
  it('names a study, its series and instances, and the request that it belongs to', () => {
    const input = [inputItem('1.2.3', '1.2.3.1', ['1.2.3.1.1']), inputItem('1.2.3', '1.2.3.2')];
    expect(read(workitem(input))).toEqual({
      accessionNumber: 'ACC-7',
      requestedProcedure: 'RP-7',
      asked: {
        studyInstanceUid: '1.2.3',
        series: [
          { seriesInstanceUid: '1.2.3.1', instances: ['1.2.3.1.1'] },
          { seriesInstanceUid: '1.2.3.2', instances: [] },
        ],
      },
    });
  });

  it('whose parameters name a series wants that series alone', () => {
    const name = { '00080100': { vr: 'SH', Value: ['112002'] }, '00080102': { vr: 'SH', Value: ['DCM'] } };
    const parameter = {
      '0040A043': { vr: 'SQ', Value: [name] },
      '0040A124': { vr: 'UI', Value: ['1.2.3.2'] },
    };
    const input = [inputItem('1.2.3', '1.2.3.1'), inputItem('1.2.3', '1.2.3.2', ['1.2.3.2.1'])];
    const { asked } = read(workitem(input, { '00741210': { vr: 'SQ', Value: [parameter] } }));
    expect(asked).toMatchObject({ series: [{ seriesInstanceUid: '1.2.3.2', instances: ['1.2.3.2.1'] }] });
  });

  it('of any shape is read or refused, and the words of a refusal repeat nothing of it', () => {
    const marked = fc.string({ minLength: 1 }).map((text) => `SECRET${text}`);
    const value = fc.oneof(marked, fc.integer(), fc.constant(null), fc.constantFrom('1.2.3', '1.2.4'));
    const { element } = fc.letrec<{ element: unknown; item: unknown }>((tie) => ({
      element: fc.record({
        vr: fc.constantFrom('SQ', 'UI', 'LO', 'UR', 'XX'),
        Value: fc.oneof(value, fc.array(fc.oneof(value, tie('item')), { maxLength: 4 })),
      }),
      item: fc.dictionary(
        fc.constantFrom(
          '00404021',
          '0020000D',
          '0020000E',
          '00081199',
          '00081155',
          '0040E025',
          '00081190',
          '00741210',
        ),
        tie('element'),
        { maxKeys: 5 },
      ),
    }));
    const items = fc.dictionary(fc.constantFrom('00404021', '00741210', '0040A370'), element);
    const isAsked = (item: Record<string, unknown>): boolean => {
      const { asked } = read(item as Json);
      if (!isRefusal(asked)) return /^[0-9.]+$/.test(asked.studyInstanceUid);
      return asked.reason in DISCONTINUATION && !asked.words.includes('SECRET');
    };
    expect(fc.check(fc.property(items, isAsked))).toMatchObject({ failed: false });
  });
});

describe('what is said of output', () => {
  it('names where it can be had: an address, or the AE title of an archive that has none', () => {
    const code = { value: STATION, scheme: '99TEST', meaning: 'a station' };
    const at = new Date('2026-03-05T12:00:00Z');
    const performed = { station: code, workitem: code, startedAt: at, endedAt: at };
    const output = { studyInstanceUid: '2.25.1', series: [{ seriesInstanceUid: '2.25.2', instances: [] }] };
    const said = (place: Parameters<typeof completionOf>[2]) =>
      JSON.stringify(completionOf(performed, output, place));
    expect(said({ url: 'http://pacs/dicom-web' })).toContain(
      '"WADORSRetrievalSequence":[{"RetrieveURL":"http://pacs/dicom-web/studies/2.25.1/series/2.25.2"}]',
    );
    expect(said({ aeTitle: 'PACS' })).toContain('"DICOMRetrievalSequence":[{"RetrieveAETitle":"PACS"}]');
    expect(said(undefined)).not.toContain('Retriev');
  });
});

describe('a workitem is claimable', () => {
  const settings = {
    station: { value: STATION, scheme: '99PANSEGNET', meaning: '' },
    workitemCodes: ['110001^DCM'],
  };
  const now = new Date('2026-06-01T00:00:00Z');
  const is = (more: Json, isOwn = false) =>
    isClaimable(
      fromDicomJson({
        ...workitem([]),
        '00741000': { vr: 'CS', Value: ['SCHEDULED'] },
        '00080018': { vr: 'UI', Value: ['1.2'] },
        ...more,
      }),
      settings,
      { isOwn, now },
    );

  it('for its station, kind, state and time', () => {
    expect(is({})).toBe(true);
    expect(is({ '00741000': { vr: 'CS', Value: ['IN PROGRESS'] } })).toBe(false);
    expect(is({ '00404041': { vr: 'CS', Value: ['UNAVAILABLE'] } })).toBe(false);
    expect(is({ '00080018': { vr: 'UI', Value: ['../x'] } })).toBe(false);
    expect(is({ '00404005': { vr: 'DT', Value: ['20260601000001+0000'] } })).toBe(false);
    expect(is({ '00404005': { vr: 'DT', Value: ['20260601020000+0200'] } })).toBe(true);
  });

  it("without a station or a code in the node's own worklist alone", () => {
    for (const tag of ['00404025', '00404018']) {
      expect([is({ [tag]: { vr: 'SQ' } }), is({ [tag]: { vr: 'SQ' } }, true)]).toEqual([false, true]);
    }
  });

  it('reads a time with and without its offset', () => {
    expect(startOf('20260102030405.5-0130')).toBe(Date.UTC(2026, 0, 2, 4, 34, 5));
    expect(startOf('2026')).toBe(new Date(2026, 0, 1).getTime());
    expect(startOf('tomorrow')).toBeUndefined();
  });
});

/** PS3.4 table CC.1.1-2 and CC.2.6, as the stand-in of the slow tests has it: what is made, by state and key. */
it('only the holder of the key changes what is in progress, and nobody what is over', () => {
  const made = WORKITEM_STATES.flatMap((state) =>
    (['IN PROGRESS', 'COMPLETED', 'CANCELED', 'update'] as const satisfies readonly Wish[]).flatMap((wish) =>
      (['right', 'wrong', 'none'] as const)
        .filter((key) => verdictOn(state, wish, key) === 'done')
        .map((key) => `${state}: ${wish} with the ${key} key`),
    ),
  );
  expect(made).toEqual([
    'SCHEDULED: IN PROGRESS with the right key',
    'SCHEDULED: IN PROGRESS with the wrong key',
    'SCHEDULED: update with the none key',
    'IN PROGRESS: COMPLETED with the right key',
    'IN PROGRESS: CANCELED with the right key',
    'IN PROGRESS: update with the right key',
  ]);
});

it('what others send as a workitem is taken as a whole or refused, whatever it is', () => {
  const isRefused = (body: unknown): boolean => {
    try {
      checkNew(received(body).dataset);
      return false;
    } catch (error) {
      return error instanceof WorkitemInvalid;
    }
  };
  expect(fc.check(fc.property(fc.anything(), isRefused))).toMatchObject({ failed: false });
});

it('no pattern of a search takes long', () => {
  const item = fromDicomJson({ '00741204': { vr: 'LO', Value: ['a'.repeat(64)] } });
  const started = performance.now();
  const parameters = new URLSearchParams({ ProcedureStepLabel: `${'*a'.repeat(200)}b` });
  expect(search([item], (one) => one, parameters, 1)).toEqual([]);
  expect(performance.now() - started).toBeLessThan(1_000);
});
