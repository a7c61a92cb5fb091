import type { WritableDataset } from '../dicom/writing/write.ts';

/** Coding schemes by their designators (PS3.16 table 8-1). */
const SCHEMES: Readonly<Record<string, { readonly uid: string; readonly name: string }>> = {
  DCM: { uid: '1.2.840.10008.2.16.4', name: 'DICOM Controlled Terminology' },
  SCT: { uid: '2.16.840.1.113883.6.96', name: 'SNOMED CT' },
  LN: { uid: '2.16.840.1.113883.6.1', name: 'LOINC' },
  UCUM: { uid: '2.16.840.1.113883.6.8', name: 'Unified Code for Units of Measure' },
  UMLS: { uid: '2.16.840.1.113883.6.86', name: 'Unified Medical Language System' },
  RADLEX: { uid: '2.16.840.1.113883.6.256', name: 'RadLex' },
  RFC5646: { uid: '2.16.840.1.113883.6.316', name: 'Tags for Identifying Languages' },
};

/**
 * Says which schemes the codes of an object are from (SOP Common, PS3.3 C.12.1.1.13), those that the standard
 * lists: what a site's own scheme is, the images would have to say.
 */
export function codingSchemes(dataset: WritableDataset): WritableDataset {
  const used = new Set<string>();
  JSON.stringify(dataset, (key, value: unknown) => {
    if (key === 'CodingSchemeDesignator') used.add(String(value));
    return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? undefined : value;
  });
  const items = Object.entries(SCHEMES)
    .filter(([designator]) => used.has(designator))
    .map(([designator, { uid, name }]) => ({
      CodingSchemeDesignator: designator,
      CodingSchemeUID: uid,
      CodingSchemeName: name,
    }));
  return items.length > 0 ? { CodingSchemeIdentificationSequence: items } : {};
}
