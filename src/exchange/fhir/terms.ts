import type { Code } from '../../results/codes.ts';
import type { IssuedId, Issuer } from '../result/outgoing-result.ts';

/** What R4 and R5 have in common of these types: the parts that are used here. */
export interface Coding {
  system?: string;
  code: string;
  display?: string;
}
export interface CodeableConcept {
  coding?: Coding[];
  text?: string;
}
export interface Identifier {
  type?: CodeableConcept;
  system?: string;
  value: string;
  assigner?: { display: string };
}
export interface Reference {
  reference?: string;
  type: string;
  identifier?: Identifier;
}

/** How FHIR names the coding schemes of DICOM (https://terminology.hl7.org, PS3.16 table 8-1). */
const SYSTEMS: Readonly<Record<string, string>> = {
  DCM: 'http://dicom.nema.org/resources/ontology/DCM',
  SCT: 'http://snomed.info/sct',
  LN: 'http://loinc.org',
  UCUM: 'http://unitsofmeasure.org',
  RADLEX: 'http://radlex.org',
};

const TERMINOLOGY = 'http://terminology.hl7.org/CodeSystem';

export const coding = ({ value, scheme, meaning }: Code): Coding => ({
  ...(SYSTEMS[scheme] === undefined ? {} : { system: SYSTEMS[scheme] }),
  code: value,
  display: meaning,
});

export const concept = (code: Code, text?: string): CodeableConcept => ({
  coding: [coding(code)],
  ...(text === undefined ? {} : { text }),
});

/** A concept of HL7's own terminology. */
export const hl7Concept = (
  system: string,
  code: string,
  display: string,
  text?: string,
): CodeableConcept => ({
  coding: [{ system: `${TERMINOLOGY}/${system}`, code, display }],
  ...(text === undefined ? {} : { text }),
});

/** What a device does that puts a report together. */
export const ASSEMBLER: CodeableConcept = hl7Concept('provenance-participant-type', 'assembler', 'Assembler');

/** LOINC's own name of the code, which differs from DICOM's meaning of it. */
export const IMAGING_STUDY_REPORT: CodeableConcept = {
  coding: [{ system: 'http://loinc.org', code: '18748-4', display: 'Diagnostic imaging study' }],
};

/** A DICOM UID as an identifier (FHIR R4 and R5, ImagingStudy: notes). */
export const uidIdentifier = (uid: string): Identifier => ({
  system: 'urn:dicom:uid',
  value: `urn:oid:${uid}`,
});

/** A SOP class as a code. */
export const sopClassCoding = (uid: string): Coding => ({
  system: 'urn:ietf:rfc:3986',
  code: `urn:oid:${uid}`,
});

/**
 * URIs of issuers that images name by a local name (HD.1), or by a universal ID that is no URI; under an
 * empty name, of those that name none.
 */
export type IssuerSystems = Readonly<Record<string, string>>;

/**
 * An identifier that somebody issued. Its system is what the images say or what the site has said of that
 * very issuer: under another one's, the id would be somebody else's. Who is named and not known has no
 * system, but is named (assigner).
 * @param type of table 0203
 */
export function issuedIdentifier(
  { value, issuer }: IssuedId,
  type: { code: string; display: string },
  systems: IssuerSystems,
): Identifier {
  const name = issuer && (issuer.namespace ?? issuer.universalId);
  const stated = Object.hasOwn(systems, name ?? '') ? systems[name ?? ''] : undefined;
  const system = systemOf(issuer) ?? stated;
  return {
    type: hl7Concept('v2-0203', type.code, type.display),
    ...(system === undefined ? {} : { system }),
    value,
    ...(name === undefined ? {} : { assigner: { display: name } }),
  };
}

function systemOf(issuer: Issuer | undefined): string | undefined {
  const { universalId: id, universalIdType: type } = issuer ?? {};
  if (id === undefined) return undefined;
  if (type === 'ISO') return /^[0-2](\.(0|[1-9]\d*))+$/.test(id) ? `urn:oid:${id}` : undefined;
  if (type === 'UUID') return `urn:uuid:${id.toLowerCase()}`;
  return type === 'URI' ? id : undefined;
}
