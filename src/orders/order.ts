import { type DicomDataset, sequence, text, texts } from '../dicom/reading/dataset.ts';
import { isUid } from '../dicom/uids.ts';
import type { Discontinuation } from './reasons.ts';

/** What an order asks for. */
export interface OrderRequest {
  readonly studyInstanceUid: string;
  /** The series that it names; none: whatever the rules choose in the study. */
  readonly series: readonly NamedSeries[];
}

interface NamedSeries {
  readonly seriesInstanceUid: string;
  /** The instances that it names; none: all that there are. */
  readonly instances: readonly string[];
}

/** Why an order cannot be done; the words never hold anything of the patient. */
export interface OrderRefusal {
  readonly reason: Discontinuation;
  readonly words: string;
}

/** A workitem as far as this node cares. */
export interface Order {
  readonly accessionNumber: string;
  /** RequestedProcedureID of the request that it answers. */
  readonly requestedProcedure: string;
  readonly asked: OrderRequest | OrderRefusal;
}

export const isRefusal = (asked: OrderRequest | OrderRefusal): asked is OrderRefusal => 'reason' in asked;

/** Beyond any study; so many UIDs are a megabyte. */
const MOST_INSTANCES = 5_000;
const MOST_SERIES = 500;
const MOST_ITEMS = 1_000;

/** A processing parameter that narrows the input: a UIDREF named Series Instance UID (DCM 112002). */
const SERIES_PARAMETER = '112002';

/**
 * Reads what a workitem asks for (PS3.4 CC.2.5): its Input Information, the series among its Processing
 * Parameters, and the request that it belongs to.
 * @param hosts names (with ports, where they are not the usual ones) that the node's archive goes by
 */
export function readOrder(workitem: DicomDataset, hosts: ReadonlySet<string>): Order {
  const request = sequence(workitem, 'ReferencedRequestSequence')[0] ?? {};
  return {
    accessionNumber: text(request, 'AccessionNumber') ?? text(workitem, 'AccessionNumber') ?? '',
    requestedProcedure: text(request, 'RequestedProcedureID') ?? '',
    asked: readInput(workitem, hosts),
  };
}

function readInput(workitem: DicomDataset, hosts: ReadonlySet<string>): OrderRequest | OrderRefusal {
  const items = sequence(workitem, 'InputInformationSequence');
  if (items.length === 0) return refused('incomplete', 'the order names no input');
  if (items.length > MOST_ITEMS)
    return refused('notSupported', `the input has more than ${MOST_ITEMS} items`);
  const foreign = items.flatMap(retrieveAddresses).find((address) => !isAllowed(address, hosts));
  if (foreign !== undefined) {
    return refused('incomplete', 'the input is to be fetched from a host that this node does not ask');
  }
  const studies = new Set(items.map((item) => text(item, 'StudyInstanceUID') ?? ''));
  const [studyInstanceUid = '', ...others] = studies;
  if (others.length > 0)
    return refused('notSupported', `the input is of ${studies.size} studies, not of one`);
  if (!isUid(studyInstanceUid)) return refused('incorrectlyFormatted', 'the input names no study');
  const named = new Map<string, Set<string>>();
  let count = 0;
  for (const item of items) {
    const uid = text(item, 'SeriesInstanceUID');
    const instances = sequence(item, 'ReferencedSOPSequence').map(
      (one) => text(one, 'ReferencedSOPInstanceUID') ?? '',
    );
    count += instances.length;
    if (count > MOST_INSTANCES)
      return refused('notSupported', `the input names over ${MOST_INSTANCES} instances`);
    if (uid === undefined && instances.length === 0) continue;
    if (uid === undefined || !isUid(uid) || !instances.every(isUid)) {
      return refused('incorrectlyFormatted', 'the input names a series or an instance by what is no UID');
    }
    const known = named.get(uid) ?? new Set();
    for (const instance of instances) known.add(instance);
    named.set(uid, known);
    if (named.size > MOST_SERIES)
      return refused('notSupported', `the input names over ${MOST_SERIES} series`);
  }
  const wanted = parameterSeries(workitem);
  if (!wanted.every(isUid))
    return refused('incorrectlyFormatted', 'a parameter names a series by what is no UID');
  const series = [...named]
    .map(([seriesInstanceUid, instances]) => ({ seriesInstanceUid, instances: [...instances] }))
    .filter(({ seriesInstanceUid }) => wanted.length === 0 || wanted.includes(seriesInstanceUid));
  const unnamed = wanted.filter((uid) => !named.has(uid));
  return {
    studyInstanceUid,
    series: [...series, ...unnamed.map((seriesInstanceUid) => ({ seriesInstanceUid, instances: [] }))],
  };
}

const refused = (reason: Discontinuation, words: string): OrderRefusal => ({ reason, words });

/** Where the input is to be had, wherever that may stand (PS3.3 table 10-3b). */
function retrieveAddresses(item: DicomDataset): string[] {
  const within = (keyword: string, address: string) =>
    sequence(item, keyword).flatMap((one) => texts(one, address));
  return [
    ...texts(item, 'RetrieveURL'),
    ...within('WADORSRetrievalSequence', 'RetrieveURL'),
    ...within('WADORetrievalSequence', 'RetrieveURI'),
  ];
}

function isAllowed(address: string, hosts: ReadonlySet<string>): boolean {
  const url = URL.parse(address);
  return url !== null && /^https?:$/.test(url.protocol) && hosts.has(url.host);
}

function parameterSeries(workitem: DicomDataset): string[] {
  return sequence(workitem, 'ScheduledProcessingParametersSequence')
    .filter((item) =>
      sequence(item, 'ConceptNameCodeSequence').some(
        (name) =>
          text(name, 'CodeValue') === SERIES_PARAMETER && text(name, 'CodingSchemeDesignator') === 'DCM',
      ),
    )
    .map((item) => text(item, 'UID') ?? text(item, 'TextValue') ?? '');
}
