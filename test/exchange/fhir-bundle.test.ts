import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { resourcesR4 } from '../../src/exchange/fhir/bundle-r4.ts';
import { resourcesR5 } from '../../src/exchange/fhir/bundle-r5.ts';
import { type StudySeries, studySeries } from '../../src/exchange/fhir/resource-facts.ts';
import { fhirJson, transactionBundle } from '../../src/exchange/fhir/send.ts';
import type { OutgoingResult } from '../../src/exchange/result/outgoing-result.ts';
import { RESULT_CHANGES } from '../../src/store/exchange/outgoing.ts';
import { measuredVolume } from '../support/measured-volume.ts';
import { BARE_RESULT, FULL_RESULT } from '../support/outgoing-results.ts';

const BASE = 'https://fhir.example/base';
const SERIES: StudySeries[] = studySeries(
  [{ ...measuredVolume('p', '20260301'), correction: null }],
  new Map([['2.25.112.20260301.2.1', '1.2.840.10008.5.1.4.1.1.66.4']]),
);

const schemaOf = (version: string): object =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, `fhir-schema/${version}.json`), 'utf8'));
/** Draft 6, with a pattern that is none with the flag `u`. */
const LOOSE = { strict: false, unicodeRegExp: false };
const VERSIONS = {
  R4: {
    resources: resourcesR4,
    check: new Ajv(LOOSE).compile(schemaOf('r4')),
    types: ['ImagingStudy', 'Device', 'Device', 'Observation', 'DiagnosticReport', 'Provenance'],
  },
  R5: {
    resources: resourcesR5,
    check: new Ajv(LOOSE).compile(schemaOf('r5')),
    types: [
      'ImagingStudy',
      'Device',
      'Device',
      'ImagingSelection',
      'Observation',
      'DiagnosticReport',
      'Provenance',
    ],
  },
} as const;

const RESULTS: Readonly<Record<string, OutgoingResult>> = {
  full: FULL_RESULT,
  bare: BARE_RESULT,
  'by a reader': { ...FULL_RESULT, byReader: true, change: 'corrected', intervalMl: null },
  'with all that breaks text': {
    ...FULL_RESULT,
    patient: { ...FULL_RESULT.patient, id: { value: 'A|^~\\&\r\n\u0001"<', issuer: undefined } },
    study: { ...FULL_RESULT.study, description: '日本語 "quoted" \\ <b>' },
  },
  ...Object.fromEntries(RESULT_CHANGES.map((change) => [change, { ...FULL_RESULT, change }])),
};

interface Entry {
  readonly fullUrl: string;
  readonly request: { readonly method: string; readonly url: string };
  readonly resource: { readonly resourceType: string; readonly id: string };
}

interface Concept {
  readonly coding: readonly [{ readonly code: string }];
}
interface Component {
  readonly code: Concept;
  readonly valueQuantity?: { readonly value: number };
  readonly valueCodeableConcept?: Concept;
}

/** As a receiver reads it. */
function sent(version: keyof typeof VERSIONS, result: OutgoingResult) {
  const { resources } = VERSIONS[version];
  return JSON.parse(fhirJson(transactionBundle(BASE, resources(result, SERIES, {}))));
}
function resource(bundle: ReturnType<typeof sent>, type: string) {
  return bundle.entry.find((entry: Entry) => entry.resource.resourceType === type)?.resource;
}

for (const version of ['R4', 'R5'] as const) {
  describe(`a result in FHIR ${version}`, () => {
    const { check, types } = VERSIONS[version];

    it.each(Object.entries(RESULTS))('fits the published schema: %s', (_, result) => {
      const isValid = check(sent(version, result));
      expect(check.errors ?? []).toEqual([]);
      expect(isValid).toBe(true);
    });

    it('is refused by the schema where an element has another name or a required one is missing', () => {
      const bundle = sent(version, FULL_RESULT);
      resource(bundle, 'Observation').unknownElement = 1;
      expect(check(bundle)).toBe(false);
      const other = sent(version, FULL_RESULT);
      delete resource(other, 'ImagingStudy').subject;
      expect(check(other)).toBe(false);
    });

    it('is one transaction of PUTs, each resource under an id that does not change', () => {
      const bundle = sent(version, FULL_RESULT);
      expect(bundle.entry.map((entry: Entry) => entry.resource.resourceType)).toEqual(types);
      for (const { fullUrl, request, resource: one } of bundle.entry) {
        expect(request).toEqual({ method: 'PUT', url: `${one.resourceType}/${one.id}` });
        expect(fullUrl).toBe(`${BASE}/${request.url}`);
        expect(one.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }
      expect(sent(version, FULL_RESULT)).toEqual(bundle);
      const later = { ...FULL_RESULT, change: 'reissued', messageId: 'B', volumeMl: 60 } as const;
      const changed = sent(version, later).entry.filter(
        (entry: Entry) => !bundle.entry.some((one: Entry) => one.fullUrl === entry.fullUrl),
      );
      expect(changed.map((entry: Entry) => entry.resource.resourceType)).toEqual(['Provenance']);
    });

    it('refers to nothing that is not in it, but to the patient and the orders by identifier', () => {
      const bundle = sent(version, FULL_RESULT);
      const there = bundle.entry.map((entry: Entry) => entry.request.url);
      const named = [...JSON.stringify(bundle).matchAll(/"reference":"([^"]+)"/g)].map(([, one]) => one);
      expect(named.length).toBeGreaterThan(5);
      expect(named.filter((one) => !there.includes(one))).toEqual([]);
      expect(resource(bundle, 'Observation').subject).toEqual({
        type: 'Patient',
        identifier: {
          type: {
            coding: [
              {
                system: 'http://terminology.hl7.org/CodeSystem/v2-0203',
                code: 'MR',
                display: 'Medical record number',
              },
            ],
          },
          system: 'urn:oid:1.2.3.4',
          value: 'P-17',
          assigner: { display: 'HOSP' },
        },
      });
      expect(resource(bundle, 'DiagnosticReport').basedOn[0].identifier).toMatchObject({ value: 'ACC-1' });
      expect(JSON.stringify(bundle)).not.toMatch(/Doe|19600229/);
    });

    it('says the volume, how sure it is, how it changed, and the flags, in codes', () => {
      const observation = resource(sent(version, FULL_RESULT), 'Observation');
      expect(observation).toMatchObject({
        status: 'preliminary',
        code: { coding: [{ system: 'http://snomed.info/sct', code: '118565006' }] },
        bodySite: { coding: [{ system: 'http://snomed.info/sct', code: '15776009' }] },
        method: { coding: [{ system: 'http://dicom.nema.org/resources/ontology/DCM', code: '126030' }] },
        valueQuantity: { value: 71.25, unit: 'mL', system: 'http://unitsofmeasure.org', code: 'mL' },
        effectiveDateTime: '2026-03-01T09:30:00.5+01:00',
        issued: '2026-03-04T05:06:07.089Z',
      });
      expect(observation.dataAbsentReason).toBeUndefined();
      const components = observation.component.map((one: Component) => [
        one.code.coding[0].code,
        one.valueQuantity?.value ?? one.valueCodeableConcept?.coding[0].code,
      ]);
      expect(components).toEqual([
        ['371886008', 4.25],
        ['371885007', 3.125],
        ['442714003', -12.5],
        ['442714003', -20],
        ['111052', '130576'],
        ['111052', 'RID13'],
      ]);
    });

    it('says where nothing was found that the volume is not known, and gives none', () => {
      const observation = resource(sent(version, BARE_RESULT), 'Observation');
      expect(observation.valueQuantity).toBeUndefined();
      expect(observation.dataAbsentReason).toMatchObject({
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown' }],
        text: 'No pancreas was found, no volume was measured',
      });
    });

    it('has the status of what happened to it, and the report says what it is for', () => {
      const statuses = RESULT_CHANGES.map((change) => {
        const bundle = sent(version, { ...FULL_RESULT, change });
        return [resource(bundle, 'Observation').status, resource(bundle, 'DiagnosticReport').status];
      });
      const [finished, reissued, corrected, withdrawn] = statuses;
      expect(finished).toEqual(['preliminary', 'preliminary']);
      expect(reissued).toEqual(['corrected', 'corrected']);
      expect(corrected).toEqual(['corrected', 'corrected']);
      expect(withdrawn).toEqual(['entered-in-error', 'entered-in-error']);
      const report = resource(sent(version, FULL_RESULT), 'DiagnosticReport');
      expect(report.conclusion).toContain('For research use only.');
      expect(Buffer.from(report.presentedForm[0].data, 'base64')).toEqual(FULL_RESULT.pdf);
      const notice = { ...FULL_RESULT, notice: 'synthetic demo, not for patients' };
      expect(resource(sent(version, notice), 'DiagnosticReport').conclusion).toContain('not for patients');
    });

    it('names model, weights, mode and program as devices; a reader’s segmentation is by no model', () => {
      const [node, model] = sent(version, FULL_RESULT).entry.flatMap((entry: Entry) =>
        entry.resource.resourceType === 'Device' ? [entry.resource] : [],
      );
      expect(node.version).toEqual([{ type: { text: 'Software' }, value: '0.2.0' }]);
      expect(model.version.map(({ value }: { value: string }) => value)).toEqual(['1.0.0', 'a'.repeat(64)]);
      expect(JSON.stringify(model.property)).toContain('fast');
      const bundle = sent(version, { ...FULL_RESULT, byReader: true });
      expect(bundle.entry.filter((entry: Entry) => entry.resource.resourceType === 'Device')).toHaveLength(1);
      expect(JSON.stringify(bundle)).not.toContain('a'.repeat(64));
    });
  });
}

it('an R5 result selects the segment of the pancreas in the SEG, and the volume is derived from it', () => {
  const bundle = sent('R5', FULL_RESULT);
  const selection = resource(bundle, 'ImagingSelection');
  expect(selection).toMatchObject({
    status: 'available',
    code: { coding: [{ code: '121191' }] },
    studyUid: '2.25.100',
    seriesUid: '2.25.105',
    frameOfReferenceUid: '2.25.107',
    instance: [{ uid: '2.25.106', subset: ['1'] }],
  });
  expect(resource(bundle, 'Observation').derivedFrom[0].reference).toBe(`ImagingSelection/${selection.id}`);
  const withdrawn = resource(sent('R5', { ...FULL_RESULT, change: 'withdrawn' }), 'ImagingSelection');
  expect(withdrawn.status).toBe('entered-in-error');
});

it('an id goes under the system of its own issuer alone', () => {
  const systems = { '': 'urn:oid:1.1', HOSP: 'https://hosp.example/ids' };
  const systemOf = (issuer: OutgoingResult['patient']['id']['issuer']) => {
    const result = { ...BARE_RESULT, patient: { ...BARE_RESULT.patient, id: { value: 'P', issuer } } };
    const [study] = resourcesR5(result, SERIES, systems);
    return study?.resourceType === 'ImagingStudy' ? study.subject.identifier?.system : 'none';
  };
  const named = (namespace: string) => ({ namespace, universalId: undefined, universalIdType: undefined });
  expect(systemOf(undefined)).toBe('urn:oid:1.1');
  expect(systemOf(named('HOSP'))).toBe('https://hosp.example/ids');
  expect(systemOf(named('OTHER'))).toBeUndefined();
  expect(systemOf(named('constructor'))).toBeUndefined();
  const universal = (universalId: string, universalIdType: string, namespace?: string) =>
    systemOf({ namespace, universalId, universalIdType });
  expect(universal('2.16.5', 'ISO', 'HOSP')).toBe('urn:oid:2.16.5');
  expect(universal('other.example', 'DNS')).toBeUndefined();
  expect(universal('not an OID', 'ISO')).toBeUndefined();
});

it('holds no control character that FHIR forbids, whatever the images hold', () => {
  const id = { value: 'A\u0001\u001b\r\nB', issuer: undefined };
  const bundle = sent('R4', { ...FULL_RESULT, patient: { ...FULL_RESULT.patient, id } });
  expect(resource(bundle, 'Observation').subject.identifier.value).toBe('A\ufffd\ufffd\r\nB');
});
