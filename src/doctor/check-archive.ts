import { codeOf, messageOf } from '../coded-error.ts';
import { text } from '../dicom/reading/dataset.ts';
import type { Detour } from '../dicom/web/archive-access.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { anySeries, anyStudy, type WatchSearch } from './archive-samples.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface ArchiveUnderTest {
  readonly client: Pick<
    DicomWebClient,
    | 'url'
    | 'searchStudies'
    | 'searchSeries'
    | 'searchInstances'
    | 'seriesMetadata'
    | 'retrieveSeries'
    | 'retrieveInstance'
    | 'isStored'
  >;
  /** What the client's archive refused so far, and the client had otherwise. */
  readonly detours: readonly Detour[];
  readonly watch: WatchSearch;
  /** One bare request with the archive's credentials; rejects where nothing answers. */
  readonly request: (
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly date: string | undefined }>;
  readonly now: () => Date;
}

/** Tokens with a time of validity, and content times in results, need clocks that agree. */
const CLOCK_DIFFERENCE_S = 60;
/** What a service without STOW-RS answers. */
const NOT_OFFERED: readonly number[] = [404, 405, 501];
const NOT_ALLOWED: readonly number[] = [401, 403];

/**
 * Makes each kind of request that the node will make, with its parameters and by its client, and says what
 * the archive refuses of them, and how the node has it otherwise. Nothing is stored.
 */
export async function checkArchive(archive: ArchiveUnderTest): Promise<Finding[]> {
  const search = await checkSearch(archive);
  // Where it cannot be asked at all, the other questions would only repeat that.
  if (search.finding.verdict === 'problem') return [search.finding];
  const findings = [
    search.finding,
    await checkRetrieval(archive, search.studyInstanceUid),
    await checkStorage(archive, search.studyInstanceUid),
    await checkClock(archive),
  ];
  return [...findings, ...detourFindings(archive.detours)];
}

/** Each refusal once. */
export function detourFindings(detours: readonly Detour[]): Finding[] {
  const each = new Map(detours.map((detour) => [detour.refused, detour]));
  return [...each.values()].map(({ refused, instead, because }) =>
    trouble(
      `archive: ${refused}`,
      'warning',
      `not given${because === undefined ? '' : `: ${messageOf(because)}`}; the node takes ${instead}`,
      'Studies are processed all the same; each look at one costs the archive more requests.',
      'Nothing has to be done. If the archive can be configured to give it, the node asks for less.',
    ),
  );
}

async function checkSearch({
  client,
  now,
  watch,
}: ArchiveUnderTest): Promise<{ finding: Finding; studyInstanceUid?: string }> {
  const check = 'archive: search (QIDO-RS)';
  try {
    const study = await anyStudy(client, watch, now());
    if (!study) return { finding: ok(check, `${client.url}; it holds no study`) };
    const studyInstanceUid = text(study, 'StudyInstanceUID');
    return { finding: ok(check, client.url), ...(studyInstanceUid ? { studyInstanceUid } : {}) };
  } catch (error) {
    const finding = trouble(
      check,
      'problem',
      messageOf(error),
      'The node finds its studies there, and stores its results there.',
      codeOf(error) === 'DICOM_WEB_UNREACHABLE'
        ? 'Check that the archive runs, archive.url, the network between, and the proxy (archive.proxy) ' +
            'if there is one.'
        : codeOf(error) === 'DICOM_WEB_STATUS'
          ? 'Check the path in archive.url (for Orthanc it ends in /dicom-web) and the credentials ' +
            '(archive.user and password, or token).'
          : 'archive.url has to be the root of a DICOMweb service; what answers there is something else.',
    );
    return { finding };
  }
}

async function checkRetrieval(
  { client }: ArchiveUnderTest,
  studyInstanceUid: string | undefined,
): Promise<Finding> {
  const check = 'archive: retrieval (WADO-RS)';
  if (studyInstanceUid === undefined) return ok(check, 'not tried, as there is no study');
  try {
    const seriesInstanceUid = await anySeries(client, studyInstanceUid);
    if (seriesInstanceUid === undefined) return ok(check, 'not tried, as the first study has no series');
    const headers = await client.seriesMetadata(studyInstanceUid, seriesInstanceUid);
    const listed = await client.searchInstances(studyInstanceUid, seriesInstanceUid);
    const sopInstanceUid = [...listed, ...headers].flatMap((one) => text(one, 'SOPInstanceUID') ?? [])[0];
    if (sopInstanceUid === undefined) return ok(check, 'not tried, as the first series has no instance');
    // The first is enough: the others are not waited for.
    for await (const _instance of client.retrieveSeries(studyInstanceUid, seriesInstanceUid)) break;
    await client.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid);
    await client.isStored(studyInstanceUid, seriesInstanceUid, sopInstanceUid);
    return ok(check, `gives a series (${headers.length} instances), one instance, and their metadata`);
  } catch (error) {
    return trouble(
      check,
      'problem',
      messageOf(error),
      'Images cannot be fetched.',
      'Check that the user may read studies, and that the archive offers WADO-RS with metadata.',
    );
  }
}

/**
 * A message of the right type without a body, in which no archive can find an instance: its answer tells
 * whether it has STOW-RS, and nothing is stored.
 */
async function checkStorage(
  { request }: ArchiveUnderTest,
  studyInstanceUid: string | undefined,
): Promise<Finding> {
  const check = 'archive: storing (STOW-RS)';
  const why = 'Results are stored there.';
  try {
    // As the node stores: into a study that is there.
    const path = studyInstanceUid === undefined ? '/studies' : `/studies/${studyInstanceUid}`;
    const { status } = await request('POST', path, {
      Accept: 'application/dicom+json',
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=nothing',
      'Content-Length': '0',
    });
    if (NOT_OFFERED.includes(status)) {
      const todo = 'Turn STOW-RS on in the archive (in Orthanc it is part of the DICOMweb plugin).';
      return trouble(check, 'problem', `not offered: it answers with status ${status}`, why, todo);
    }
    if (NOT_ALLOWED.includes(status)) {
      const todo = 'Give the user of the configuration the right to store.';
      return trouble(check, 'problem', `not allowed: it answers with status ${status}`, why, todo);
    }
    return ok(check, 'offered');
  } catch (error) {
    return trouble(
      check,
      'warning',
      `cannot be asked: ${messageOf(error)}`,
      why,
      'Try again; look at the archive and the network.',
    );
  }
}

async function checkClock({ request, now }: ArchiveUnderTest): Promise<Finding> {
  const check = 'archive: clock';
  try {
    const { date } = await request('GET', '/studies?limit=1', { Accept: 'application/dicom+json' });
    if (date === undefined) return ok(check, 'the archive does not tell the time');
    const seconds = Math.round((Date.parse(date) - now().getTime()) / 1000);
    if (Number.isNaN(seconds)) return ok(check, 'the archive does not tell the time');
    if (Math.abs(seconds) <= CLOCK_DIFFERENCE_S) return ok(check, 'agrees with this machine');
    return trouble(
      check,
      'warning',
      `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this machine`,
      'Results carry dates and times; tokens and certificates are valid from and until.',
      'Let both machines take their time from the same NTP server.',
    );
  } catch (error) {
    return ok(check, `not compared: ${messageOf(error)}`);
  }
}
