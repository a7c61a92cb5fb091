import { describe, expect, it } from 'vitest';
import { endOf, hoursSchema, isWithin } from '../../src/arrivals/routing/hours.ts';
import { type RoutingFacts, route } from '../../src/arrivals/routing/route.ts';
import { routingSchema } from '../../src/arrivals/routing/rules.ts';
import { ageInYears } from '../../src/dicom/reading/age.ts';

const NOON = new Date('2026-03-04T12:00:00Z'); // a Wednesday

const CT_STUDY: RoutingFacts = {
  source: { kind: 'dimse', callingAeTitle: 'CT1' },
  modalities: ['CT', 'SR'],
  ageYears: 18,
  stationName: 'SCANNER 1',
  institution: 'General Hospital',
};

function decide(when: object, facts: Partial<RoutingFacts> = {}, action = 'ignore', now = NOON) {
  const { rules } = routingSchema.parse({ rules: [{ when, action }] });
  return route(rules, { ...CT_STUDY, ...facts }, now).action;
}

describe('a routing rule', () => {
  it.each([
    ['source', { source: ['dimse', 'stow'] }, { source: ['poll'] }],
    ['AE title', { callingAeTitle: ['CT1'] }, { callingAeTitle: ['CT2', 'ct1'] }],
    ['modality of any series', { modality: ['MR', 'SR'] }, { modality: ['MR'] }],
    ['minimum age, itself included', { minimumAgeYears: 18 }, { minimumAgeYears: 19 }],
    ['maximum age, itself included', { maximumAgeYears: 18 }, { maximumAgeYears: 17 }],
    ['station', { stationName: ['SCANNER 1'] }, { stationName: ['SCANNER 2'] }],
    ['institution', { institution: ['General Hospital'] }, { institution: ['General'] }],
    [
      'several conditions',
      { modality: ['CT'], maximumAgeYears: 18 },
      { modality: ['CT'], maximumAgeYears: 17 },
    ],
  ])('applies by %s, and not otherwise', (_what, met, unmet) => {
    expect(decide(met)).toBe('ignore');
    expect(decide(unmet)).toBe('process');
  });

  it.each([
    ['AE title', { callingAeTitle: ['CT1'] }, { source: { kind: 'poll' } }],
    ['minimum age', { minimumAgeYears: 0 }, { ageYears: undefined }],
    ['maximum age', { maximumAgeYears: 200 }, { ageYears: undefined }],
    ['station', { stationName: ['SCANNER 1'] }, { stationName: undefined }],
    ['institution', { institution: ['General Hospital'] }, { institution: undefined }],
    ['modality', { modality: ['CT'] }, { modalities: [] }],
  ] as const)('is never met by a study whose %s is not known', (_what, when, facts) => {
    expect(decide(when, facts)).toBe('process');
  });

  it('that comes first decides, and a study that meets none is processed', () => {
    const rules = routingSchema.parse({
      rules: [
        { when: { callingAeTitle: ['CT1'] }, action: 'process' },
        { name: 'the rest', when: {}, action: 'ignore' },
      ],
    }).rules;
    expect(route(rules, CT_STUDY, NOON)).toEqual({ action: 'process' });
    const other = { ...CT_STUDY, source: { kind: 'poll' } } as const;
    expect(route(rules, other, NOON)).toEqual({
      action: 'ignore',
      reason: 'routing rule "the rest": not to be processed',
    });
    expect(route([], other, NOON)).toEqual({ action: 'process' });
  });

  it('that delays says until when, and applies within its hours only', () => {
    const hours = { days: ['Wed'], from: '07:00', to: '19:00', timeZone: 'Europe/Berlin' };
    const { rules } = routingSchema.parse({ rules: [{ when: { hours }, action: 'later' }] });
    const until = new Date('2026-03-04T18:00:00Z');
    expect(route(rules, CT_STUDY, NOON)).toMatchObject({ action: 'later', until });
    expect(route(rules, CT_STUDY, until)).toEqual({ action: 'process' });
  });

  it.each([
    [{ when: {}, action: 'later' }, 'hours'],
    [{ when: { modalities: ['CT'] }, action: 'ignore' }, 'modalities'],
    [{ when: { callingAeTitle: [] }, action: 'ignore' }, 'callingAeTitle'],
    [{ when: { minimumAgeYears: 17.5 }, action: 'ignore' }, 'minimumAgeYears'],
    [{ when: { source: ['fax'] }, action: 'ignore' }, 'source'],
    [{ when: { hours: weekly({ timeZone: 'Mars/Olympus' }) }, action: 'later' }, 'timeZone'],
    [{ when: { hours: weekly({ to: '24:01' }) }, action: 'later' }, 'to'],
    [{ when: { hours: weekly({ from: '7:00' }) }, action: 'later' }, 'from'],
    [{ when: { hours: weekly({ from: '07:00', to: '07:00' }) }, action: 'later' }, 'to'],
    [{ when: { hours: weekly({ from: '00:00', to: '24:00' }) }, action: 'later' }, 'hours'],
  ])('that makes no sense is refused: %j', (rule, place) => {
    const result = routingSchema.safeParse({ rules: [rule] });
    expect(JSON.stringify(result.error?.issues)).toContain(place);
  });
});

function weekly(other: object = {}): object {
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  return { days, from: '07:00', to: '19:00', timeZone: 'Europe/Berlin', ...other };
}

describe('hours of the week', () => {
  const hours = (other: object = {}) => hoursSchema.parse({ ...weekly(), days: ['Wed'], ...other });

  it.each([
    ['2026-03-04T05:59:59Z', false],
    ['2026-03-04T06:00:00Z', true],
    ['2026-03-04T17:59:59Z', true],
    ['2026-03-04T18:00:00Z', false],
    ['2026-03-05T12:00:00Z', false],
    // In summer Berlin is two hours ahead.
    ['2026-07-01T04:59:59Z', false],
    ['2026-07-01T05:00:00Z', true],
    ['2026-07-01T17:00:00Z', false],
  ])('begin with their first minute and end before their last, in their time zone: %s', (at, within) => {
    expect(isWithin(hours(), new Date(at))).toBe(within);
  });

  it.each([
    ['2026-03-04T20:59:00Z', false],
    ['2026-03-04T21:00:00Z', true],
    ['2026-03-05T04:59:00Z', true],
    ['2026-03-05T05:00:00Z', false],
    ['2026-03-04T03:00:00Z', false],
  ])('that go over midnight belong to the day on which they begin: %s', (at, within) => {
    expect(isWithin(hours({ from: '22:00', to: '06:00' }), new Date(at))).toBe(within);
  });

  it('end at the first minute outside, also over midnight and into a day that is not theirs', () => {
    expect(endOf(hours(), new Date('2026-03-04T06:00:30Z'))).toEqual(new Date('2026-03-04T18:00:00Z'));
    const night = hours({ from: '22:00', to: '06:00' });
    expect(endOf(night, new Date('2026-03-04T21:00:00Z'))).toEqual(new Date('2026-03-05T05:00:00Z'));
    const wholeDay = hours({ from: '00:00', to: '24:00' });
    expect(endOf(wholeDay, new Date('2026-03-04T10:00:00Z'))).toEqual(new Date('2026-03-04T23:00:00Z'));
    const twoDays = hours({ days: ['Wed', 'Thu'], from: '00:00', to: '24:00' });
    expect(endOf(twoDays, new Date('2026-03-04T10:00:00Z'))).toEqual(new Date('2026-03-05T23:00:00Z'));
  });

  it('end at the right time in the nights in which the clocks change', () => {
    const saturdays = hours({ days: ['Sat'], from: '20:00', to: '06:00' });
    // 29 March 2026, 02:00 becomes 03:00; 25 October 2026, 03:00 becomes 02:00.
    expect(endOf(saturdays, new Date('2026-03-28T19:00:00Z'))).toEqual(new Date('2026-03-29T04:00:00Z'));
    expect(endOf(saturdays, new Date('2026-10-24T18:00:00Z'))).toEqual(new Date('2026-10-25T05:00:00Z'));
  });
});

describe('the age of a patient', () => {
  const age = (PatientBirthDate?: string, StudyDate?: string, PatientAge?: string) =>
    ageInYears({ PatientBirthDate, StudyDate, PatientAge });

  it.each([
    ['20080304', '20260303', 17],
    ['20080304', '20260304', 18],
    ['20080304', '20260305', 18],
    ['20080229', '20260228', 17],
    ['20080229', '20260301', 18],
    ['20260304', '20260304', 0],
    ['19260304', '20260304', 100],
  ])('born %s, examined %s: %i full years', (born, studied, years) => {
    expect(age(born, studied)).toBe(years);
  });

  it.each([
    ['018Y', 18],
    ['215M', 17],
    ['216M', 18],
    ['011M', 0],
    ['051W', 0],
    ['300D', 0],
  ])('is PatientAge %s where there is no birth date: %i', (given, years) => {
    expect(age(undefined, '20260304', given)).toBe(years);
    expect(age('20080230', '20260304', given)).toBe(years);
    expect(age('20270101', '20260304', given)).toBe(years);
  });

  it.each(['', '18Y', '018', 'Y018', '0 8Y', undefined])('is not known from PatientAge %j alone', (given) => {
    expect(age(undefined, '20260304', given)).toBeUndefined();
  });
});
