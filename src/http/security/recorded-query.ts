/** Parameters whose values say nothing of a person. */
const PLAIN: ReadonlySet<string> = new Set([
  'ageFrom',
  'ageTo',
  'before',
  'class',
  'columns',
  'flag',
  'from',
  'fuzzymatching',
  'includefield',
  'limit',
  'ModalitiesInStudy',
  'Modality',
  'model',
  'month',
  'offset',
  'phase',
  'review',
  'scanner',
  'SeriesInstanceUID',
  'sex',
  'SOPInstanceUID',
  'state',
  'StudyDate',
  'StudyInstanceUID',
  'StudyTime',
  'to',
  'when',
]);
const PLAIN_VALUE = /^[\w.,:-]{1,100}$/;

/** Parameters by which people look for somebody. */
const NAMED: ReadonlySet<string> = new Set([
  'AccessionNumber',
  'IssuerOfPatientID',
  'PatientBirthDate',
  'PatientID',
  'PatientName',
  'PatientSex',
  'ReferringPhysicianName',
  'SeriesDescription',
  'StudyDescription',
  'StudyID',
  'words',
]);
const TAG = /^[0-9a-f]{8}$/i;
const isParameter = (name: string): boolean => PLAIN.has(name) || NAMED.has(name) || TAG.test(name);

/** A search has a handful; what goes beyond would only fill the log. */
const MOST_PARAMETERS = 32;

/**
 * A search as it stands in the audit log: what could name a patient stands as a keyed hash, so that it can be
 * seen who looked for somebody by who knows the name and has the key. Of a parameter that there is not, the
 * name is hashed too.
 */
export function recordedQuery(parameters: URLSearchParams, hash: (text: string) => string): string {
  const pairs = [...parameters].filter(([, value]) => value !== '');
  const shown = pairs.slice(0, MOST_PARAMETERS).map(([name, value]) => {
    if (PLAIN.has(name) && PLAIN_VALUE.test(value)) return `${name}=${value}`;
    return `${isParameter(name) ? name : hash(name)}=${hash(value)}`;
  });
  if (pairs.length > MOST_PARAMETERS) shown.push(`${pairs.length - MOST_PARAMETERS} more`);
  return shown.length === 0 ? '' : `?${shown.join('&')}`;
}
