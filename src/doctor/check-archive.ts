import { codeOf, messageOf } from '../coded-error.ts';
import { text } from '../dicom/reading/dataset.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface ArchiveUnderTest {
  readonly client: Pick<DicomWebClient, 'url' | 'searchStudies' | 'searchSeries' | 'seriesMetadata'>;
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

/** Tries each service of the archive that the node needs; nothing is stored. */
export async function checkArchive(archive: ArchiveUnderTest): Promise<Finding[]> {
  const search = await checkSearch(archive);
  // Where it cannot be asked at all, the other questions would only repeat that.
  if (search.finding.verdict === 'problem') return [search.finding];
  return [
    search.finding,
    await checkRetrieval(archive, search.studyInstanceUid),
    await checkStorage(archive),
    await checkClock(archive),
  ];
}

async function checkSearch({
  client,
  now,
}: ArchiveUnderTest): Promise<{ finding: Finding; studyInstanceUid?: string }> {
  const check = 'archive: search (QIDO-RS)';
  try {
    for await (const study of client.searchStudies({ lookBack: 'all', now: now(), pageSize: 1 })) {
      const studyInstanceUid = text(study, 'StudyInstanceUID');
      return { finding: ok(check, client.url), ...(studyInstanceUid ? { studyInstanceUid } : {}) };
    }
    return { finding: ok(check, `${client.url}; it holds no study`) };
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
    const [series] = await client.searchSeries(studyInstanceUid);
    const seriesInstanceUid = series && text(series, 'SeriesInstanceUID');
    if (seriesInstanceUid === undefined) return ok(check, 'not tried, as the first study has no series');
    const instances = await client.seriesMetadata(studyInstanceUid, seriesInstanceUid);
    return ok(check, `gives the metadata of a series (${instances.length} instances)`);
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
 * A body that no archive can take for instances: its answer tells whether it has STOW-RS, and nothing is
 * stored.
 */
async function checkStorage({ request }: ArchiveUnderTest): Promise<Finding> {
  const check = 'archive: storing (STOW-RS)';
  const why = 'Results are stored there.';
  try {
    const { status } = await request('POST', '/studies', {
      'Content-Type': 'application/x-not-dicom',
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
