import { type DicomDataset, sequence, text } from '../dicom/reading/dataset.ts';
import { copied, isValid } from '../dicom/writing/value-rules.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';

/** Request Attributes Macro (PS3.3 table 10-9). */
const REQUEST_ATTRIBUTES = [
  'RequestedProcedureID',
  'AccessionNumber',
  'IssuerOfAccessionNumberSequence',
  'StudyInstanceUID',
  'ReferencedStudySequence',
  'RequestedProcedureDescription',
  'RequestedProcedureCodeSequence',
  'ReasonForTheRequestedProcedure',
  'ReasonForRequestedProcedureCodeSequence',
  'ScheduledProcedureStepID',
  'ScheduledProcedureStepDescription',
  'ScheduledProtocolCodeSequence',
] as const;

/** The valid ones of these attributes. */
function validOf(source: DicomDataset, keywords: readonly string[]): WritableDataset {
  const valid = keywords.filter((keyword) => isValid(source, keyword));
  return Object.fromEntries(valid.map((keyword) => [keyword, copied(source, keyword)]));
}

/** Which orders the images answer, to be repeated in a result (General Series, PS3.3 C.7.3.1). */
export function requestAttributes(source: DicomDataset): WritableDataset {
  const items = sequence(source, 'RequestAttributesSequence')
    .map((item) => validOf(item, REQUEST_ATTRIBUTES))
    .filter((item) => Object.keys(item).length > 0);
  return items.length > 0 ? { RequestAttributesSequence: items } : {};
}

const OF_THE_ORDER = [
  'IssuerOfAccessionNumberSequence',
  'OrderPlacerIdentifierSequence',
  'OrderFillerIdentifierSequence',
] as const;

/** Type 2 in an item of the sequence. */
const REFERENCED_REQUEST = [
  'AccessionNumber',
  'PlacerOrderNumberImagingServiceRequest',
  'FillerOrderNumberImagingServiceRequest',
  'RequestedProcedureID',
  'RequestedProcedureDescription',
] as const;

/**
 * The orders that a report answers (SR Document General, PS3.3 C.17.2): one item for each request that the
 * images name, else one for the accession or the order number of the study. None where the images name none.
 */
export function referencedRequests(source: DicomDataset, studyInstanceUid: string): WritableDataset {
  const requests = sequence(source, 'RequestAttributesSequence');
  const named = requests.length > 0 ? requests : [{}];
  const items = named.flatMap((request) => {
    const from = (keyword: string) => (isValid(request, keyword) ? request : source);
    const values = REFERENCED_REQUEST.map((keyword) => {
      const value = isValid(from(keyword), keyword) ? copied(from(keyword), keyword) : undefined;
      return [keyword, value ?? null] as const;
    });
    if (values.every(([, value]) => value === null)) return [];
    const [codes, study] = ['RequestedProcedureCodeSequence', 'ReferencedStudySequence'].map((keyword) =>
      isValid(request, keyword) ? copied(request, keyword) : [],
    );
    return [
      {
        StudyInstanceUID: text(request, 'StudyInstanceUID') ?? studyInstanceUid,
        ReferencedStudySequence: study,
        ...Object.fromEntries(values),
        ...Object.fromEntries(
          OF_THE_ORDER.flatMap((keyword) => Object.entries(validOf(from(keyword), [keyword]))),
        ),
        RequestedProcedureCodeSequence: codes,
      },
    ];
  });
  return items.length > 0 ? { ReferencedRequestSequence: items } : {};
}

/** The procedures that the images say were done, as codes (PS3.3 C.7.2.1). */
export function procedureItems(source: DicomDataset): WritableDataset[] {
  if (!isValid(source, 'ProcedureCodeSequence')) return [];
  return copied(source, 'ProcedureCodeSequence') as WritableDataset[];
}
