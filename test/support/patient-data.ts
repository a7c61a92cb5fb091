/**
 * What must not stand in any log: names as DICOM writes them (PS3.5 section 6.2.1.1), and IDs and birth dates
 * of the patients that occur in tests and demo.
 */
const PATIENT_DATA: readonly RegExp[] = [
  /\p{L}+\^\p{L}+/u,
  /Mustermann|Quetzalcoatl|\bDoe\b|Yamada|山田/,
  /SYN-\d{4}|PX-7731904|OBSERVED-1|"P-?[12]"/,
  /19330711|19600102|19610214|19720903/,
];

/**
 * The first words in a text that belong to a patient, with what stands around them; undefined where there are
 * none.
 */
export function findPatientData(text: string): string | undefined {
  for (const pattern of PATIENT_DATA) {
    const found = pattern.exec(text);
    if (found) return text.slice(Math.max(0, found.index - 200), found.index + 100);
  }
  return undefined;
}
