import { codeOf, messageOf } from '../coded-error.ts';
import type { DimseArchive } from '../dicom/dimse/archive.ts';
import { NotOffered } from '../dicom/dimse/services/status.ts';
import { text } from '../dicom/reading/dataset.ts';
import type { Detour } from '../dicom/web/archive-access.ts';
import { anySeries, anyStudy, type WatchSearch } from './archive-samples.ts';
import { detourFindings } from './check-archive.ts';
import { type Finding, ok, trouble } from './finding.ts';

export interface DimseUnderTest {
  readonly client: Pick<
    DimseArchive,
    'url' | 'open' | 'echo' | 'accepted' | 'searchStudies' | 'searchSeries' | 'retrieveSeries'
  >;
  /** What the archive did not offer so far, and the client had otherwise. */
  readonly detours: readonly Detour[];
  readonly watch: WatchSearch;
  /** SOP classes of the results, by their names. */
  readonly written: Readonly<Record<string, string>>;
  /** SOP class of storage commitment; undefined where it is not wanted. */
  readonly commitment: string | undefined;
  readonly now: () => Date;
}

/** Makes each kind of request that the node will make of an archive that speaks DIMSE. Nothing is stored. */
export async function checkDimse(archive: DimseUnderTest): Promise<Finding[]> {
  const reached = await checkEcho(archive);
  if (reached.verdict === 'problem') return [reached];
  const port = await checkPort(archive);
  const search = await checkSearch(archive);
  const findings = [reached, port, search.finding];
  if (search.finding.verdict !== 'problem' && port.verdict === 'ok') {
    findings.push(await checkRetrieval(archive, search.studyInstanceUid));
  }
  findings.push(...(await checkStorage(archive)));
  return [...findings, ...detourFindings(archive.detours)];
}

async function checkEcho({ client }: DimseUnderTest): Promise<Finding> {
  const check = 'archive: association (C-ECHO)';
  try {
    await client.echo();
    return ok(check, client.url);
  } catch (error) {
    // It answers: not everybody offers that.
    if (error instanceof NotOffered) return ok(check, `${client.url}; it does not offer C-ECHO`);
    return trouble(
      check,
      'problem',
      messageOf(error),
      'The node finds its studies there, and stores its results there.',
      codeOf(error) === 'DICOM_WEB_STATUS'
        ? 'Check archive.dimse.calledAeTitle; register archive.dimse.aeTitle, and this host, there.'
        : 'Check that the archive runs, archive.dimse.host and port, the network between, and whether it ' +
            'speaks TLS (archive.dimse.tls, archive.ca).',
    );
  }
}

async function checkPort({ client }: DimseUnderTest): Promise<Finding> {
  const check = 'archive: own port (C-MOVE, storage commitment)';
  try {
    await client.open();
    return ok(check, 'free, or not configured');
  } catch (error) {
    const isTaken = codeOf(error) === 'EADDRINUSE';
    return trouble(
      check,
      isTaken ? 'warning' : 'problem',
      messageOf(error),
      'The archive delivers there what the node moves, and reports there on storage commitment.',
      isTaken
        ? 'Where the node runs just now, it has the port, and retrieval was not tried. Otherwise stop ' +
            'what has it, or set archive.dimse.listen.port to a free one.'
        : 'Correct archive.dimse.listen.',
    );
  }
}

async function checkSearch({
  client,
  now,
  watch,
}: DimseUnderTest): Promise<{ finding: Finding; studyInstanceUid?: string }> {
  const check = 'archive: search (C-FIND)';
  try {
    const study = await anyStudy(client, watch, now());
    if (!study) return { finding: ok(check, 'the archive holds no study') };
    const studyInstanceUid = text(study, 'StudyInstanceUID');
    return { finding: ok(check, 'gives studies'), ...(studyInstanceUid ? { studyInstanceUid } : {}) };
  } catch (error) {
    const finding = trouble(
      check,
      'problem',
      messageOf(error),
      'The node finds its studies by it.',
      'Allow archive.dimse.aeTitle to search (Study Root Query/Retrieve).',
    );
    return { finding };
  }
}

async function checkRetrieval(
  { client }: DimseUnderTest,
  studyInstanceUid: string | undefined,
): Promise<Finding> {
  const check = 'archive: retrieval (C-GET, C-MOVE)';
  if (studyInstanceUid === undefined) return ok(check, 'not tried, as there is no study');
  try {
    const seriesInstanceUid = await anySeries(client, studyInstanceUid);
    if (seriesInstanceUid === undefined) return ok(check, 'not tried, as the first study has no series');
    // The first is enough: the others are not waited for.
    for await (const _instance of client.retrieveSeries(studyInstanceUid, seriesInstanceUid)) break;
    return ok(check, 'gives instances of a series');
  } catch (error) {
    return trouble(
      check,
      'problem',
      messageOf(error),
      'Images cannot be fetched.',
      'Allow C-GET in the archive, or register archive.dimse.aeTitle there with this host and ' +
        'archive.dimse.listen.port, for C-MOVE.',
    );
  }
}

async function checkStorage({ client, written, commitment }: DimseUnderTest): Promise<Finding[]> {
  const check = 'archive: storing (C-STORE)';
  try {
    const asked = [...Object.values(written), ...(commitment ? [commitment] : [])];
    const accepted = await client.accepted(asked);
    const refused = Object.entries(written).filter(([, uid]) => !accepted.has(uid));
    const storing =
      refused.length === 0
        ? ok(check, 'every kind of result is accepted')
        : trouble(
            check,
            'problem',
            `not accepted: ${refused.map(([name, uid]) => `${name} (${uid})`).join(', ')}`,
            'Results of these SOP classes cannot be stored.',
            'Let the archive accept them, or let the node write others (results.segmentation, ' +
              'results.reportClass).',
          );
    if (!commitment || accepted.has(commitment)) return [storing];
    return [
      storing,
      trouble(
        'archive: storage commitment',
        'warning',
        'not offered; the node takes it for proof that the archive lists what was stored',
        'An archive that commits has taken charge of the results.',
        'Turn it on in the archive; or set archive.dimse.commitment.enabled to false.',
      ),
    ];
  } catch (error) {
    const todo = 'Try again; look at the archive and the network.';
    return [
      trouble(check, 'warning', `cannot be asked: ${messageOf(error)}`, 'Results are stored there.', todo),
    ];
  }
}
