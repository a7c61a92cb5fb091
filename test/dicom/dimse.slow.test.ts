import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examineDimseArchive } from '../../src/compose/dimse-doctor.ts';
import { loadConfig } from '../../src/config.ts';
import { LedgerInMemory } from '../../src/dicom/dimse/ledger.ts';
import { type DicomDataset, text } from '../../src/dicom/reading/dataset.ts';
import { readInstanceFile } from '../../src/dicom/reading/instance-file.ts';
import { readMeta, readValues } from '../../src/dicom/reading/part10.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { type Certificate, createAuthority, type TestAuthority } from '../support/certificates.ts';
import { collect } from '../support/collect.ts';
import { type Dcmqrscp, startDcmqrscp } from '../support/dcmqrscp.ts';
import { dimseArchive } from '../support/dimse-archive.ts';
import { freePort } from '../support/free-port.ts';
import { type OrthancServer, startOrthanc } from '../support/orthanc.ts';
import { describeWith, shared } from '../support/requires.ts';
import { smallInstance } from '../support/small-instance.ts';
import { smallCtSeries } from '../support/small-series.ts';

const NOW = new Date('2026-03-05T12:00:00');
const STUDY = '2.25.880';
const SERIES = `${STUDY}.1`;
const OF_PATIENT = 'P-880';

/** The data set of a file: what stands before it is the writer's own. */
const dataSetOf = (file: Uint8Array): Buffer =>
  Buffer.from(file.subarray(readMeta(new Uint8Array(file), 'file').end));
/** Data sets by SOP instance UID. */
const byUid = (files: readonly Uint8Array[]): Map<string, Buffer> =>
  new Map(
    files
      .map(
        (file) => [text(readValues(file, 'file').dataset, 'SOPInstanceUID') ?? '', dataSetOf(file)] as const,
      )
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
const uids = (found: readonly DicomDataset[], key: string) =>
  found.map((one) => text(one, key) ?? '').sort((one, other) => (one < other ? -1 : 1));

describeWith(['Orthanc', 'dcmqrscp', 'openssl', 'shared'], 'an archive that speaks DIMSE alone', () => {
  let orthanc: OrthancServer;
  let web: DicomWebClient;
  let ports: readonly [number, number];

  beforeAll(async () => {
    ports = [await freePort(), await freePort()];
    orthanc = await startOrthanc({
      DicomModalities: { one: ['W1', '127.0.0.1', ports[0]], two: ['W2', '127.0.0.1', ports[1]] },
    });
    web = new DicomWebClient({ url: orthanc.url });
    const names = ['chrH31', 'chrH32', 'chrGreek', 'chrRuss', 'chrX1', 'chrArab'];
    const named = await Promise.all(names.map((name) => readFile(shared('data/charsets', `${name}.dcm`))));
    const dated = ['20260301', '20260303', '20260304', '20260305', '20260306', '19891231'].map((day, i) =>
      smallInstance(
        { study: `2.25.881.${i}`, series: `2.25.881.${i}.1`, sop: `2.25.881.${i}.1.1` },
        { StudyDate: day, PatientID: `P-${i}` },
      ),
    );
    for (const part of [...named, ...dated]) await web.storeVerified(undefined, [new Uint8Array(part)]);
    await web.storeVerified(STUDY, smallCtSeries(STUDY, { PatientID: OF_PATIENT }, 20));
  });
  afterAll(() => orthanc?.stop());

  const mover = (which: 0 | 1) =>
    dimseArchive(
      orthanc.dicomPort,
      { callingAeTitle: `W${which + 1}` },
      { retrieve: 'move', listen: { host: '127.0.0.1', port: ports[which] } },
    );

  it('finds the studies that QIDO-RS finds, with names of any character set, whole or in windows', async () => {
    const archive = dimseArchive(orthanc.dicomPort);
    for (const pageSize of [100, 2]) {
      for (const lookBack of ['all', 4, 40] as const) {
        const query = { lookBack, now: NOW, pageSize };
        const [expected, found] = [
          await collect(web.searchStudies(query)),
          await collect(archive.searchStudies(query)),
        ];
        // Windows need not find a study without a date; `all` at once does.
        const isSure = (one: DicomDataset) => pageSize > 2 || text(one, 'StudyDate') !== undefined;
        const sure = (some: readonly DicomDataset[]) => uids(some.filter(isSure), 'StudyInstanceUID');
        expect(sure(found)).toEqual(sure(expected));
        for (const study of found) {
          expect(text(study, 'NumberOfStudyRelatedInstances')).toMatch(/^\d+$/);
        }
      }
    }
    const all = await collect(archive.searchStudies({ lookBack: 'all', now: NOW, pageSize: 100 }));
    for (const study of all) {
      const uid = text(study, 'StudyInstanceUID') ?? '';
      const [series] = await archive.searchSeries(uid);
      const image = await archive.anyInstance(uid, text(series ?? {}, 'SeriesInstanceUID') ?? '');
      expect(text(study, 'PatientID')).toBe(text(image ?? {}, 'PatientID'));
    }
    const days = { from: '19800101', until: '20991231', pageSize: 2 };
    const ofPatient = archive.searchStudiesMatching({ ...days, patientId: OF_PATIENT });
    expect(uids(await collect(ofPatient), 'StudyInstanceUID')).toEqual([STUDY]);
    const dated = all.filter((study) => text(study, 'StudyDate') !== undefined);
    const between = await collect(archive.searchStudiesMatching(days));
    expect(uids(between, 'StudyInstanceUID')).toEqual(uids(dated, 'StudyInstanceUID'));
  });

  it('gives series and instances as DICOMweb does, byte for byte, by C-GET and by C-MOVE', async () => {
    const expected = byUid(await collect(web.retrieveSeries(STUDY, SERIES)));
    const moving = mover(0);
    for (const archive of [dimseArchive(orthanc.dicomPort), moving]) {
      const [series, ...more] = await archive.searchSeries(STUDY);
      expect(more).toEqual([]);
      expect(text(series ?? {}, 'NumberOfSeriesRelatedInstances')).toBe('20');
      const instances = await archive.searchInstances(STUDY, SERIES);
      expect(uids(instances, 'SOPInstanceUID')).toEqual([...expected.keys()]);
      expect(byUid(await collect(archive.retrieveSeries(STUDY, SERIES)))).toEqual(expected);
      const one = await archive.retrieveInstance(STUDY, SERIES, `${SERIES}.7`);
      expect(dataSetOf(one)).toEqual(expected.get(`${SERIES}.7`));
      const headers = await archive.seriesMetadata(STUDY, SERIES);
      expect(uids(headers, 'ImagePositionPatient')).toEqual(
        uids(await web.seriesMetadata(STUDY, SERIES), 'ImagePositionPatient'),
      );
      expect(await archive.isStored(STUDY, SERIES, `${SERIES}.7`)).toBe(true);
      expect(await archive.isStored(STUDY, SERIES, `${SERIES}.77`)).toBe(false);
      expect(await archive.searchSeries('2.25.1')).toEqual([]);
      await expect(collect(archive.retrieveSeries(STUDY, '2.25.1'))).rejects.toMatchObject({
        code: 'DICOM_WEB_ANSWER',
      });
    }
    await moving.close();
  });

  it('gives what it has stored compressed as it is, after C-STORE of the same bytes', async () => {
    const archive = dimseArchive(orthanc.dicomPort);
    const folder = shared('data/transfer-syntaxes');
    const names = await readdir(folder);
    for (const name of names.filter((one) => /Process14SV1|JPEG2000Lossless|RLE/.test(one))) {
      const path = `${folder}/${name}`;
      const { size, dataset } = await readInstanceFile(path, name);
      const outcome = await archive.storeFiles([{ path, size }]);
      expect(outcome.failed).toEqual([]);
      const [study, series, sop] = ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'].map(
        (keyword) => text(dataset, keyword) ?? '',
      );
      const given = await archive.retrieveInstance(study ?? '', series ?? '', sop ?? '');
      expect(dataSetOf(given)).toEqual(
        dataSetOf(await web.retrieveInstance(study ?? '', series ?? '', sop ?? '')),
      );
    }
  });

  it('lets two that move at the same time each have its own', async () => {
    const [one, two] = [mover(0), mover(1)];
    const other = '2.25.882';
    await web.storeVerified(other, smallCtSeries(other, {}, 20));
    const moves = [one, two, one, two].map(async (archive, i) => {
      const study = i < 2 ? STUDY : other;
      const files = await collect(archive.retrieveSeries(study, `${study}.1`));
      expect(
        uids(
          files.map((file) => readValues(file, 'file').dataset),
          'StudyInstanceUID',
        ),
      ).toEqual(Array.from({ length: 20 }, () => study));
    });
    await Promise.all(moves);
    await Promise.all([one.close(), two.close()]);
  });

  it('commits to what was sent, and tells of it at the own port; also where nobody waits any more', async () => {
    const ledger = new LedgerInMemory();
    const study = '2.25.883';
    const parts = smallCtSeries(study, {}, 3);
    const named = [1, 2, 3].map((i) => `${study}.1.${i}`);
    const listen = { host: '127.0.0.1', port: ports[0] };
    const detours: string[] = [];
    const detour = ({ refused }: { refused: string }) => void detours.push(refused);
    // Killed between C-STORE and commitment: sent, and given up before it is asked.
    const stop = new AbortController();
    const asking = { ...ledgerOf(ledger), asked: async () => stop.abort(new Error('killed')) };
    const first = dimseArchive(
      orthanc.dicomPort,
      {},
      { listen, commitment: { timeoutMs: 20_000, ledger: asking } },
    );
    await expect(first.storeVerified(study, parts, stop.signal)).rejects.toThrow('killed');
    await first.close();
    expect(await ledger.pending(named)).toHaveLength(3);

    const commitment = { timeoutMs: 20_000, ledger };
    const second = dimseArchive(orthanc.dicomPort, {}, { listen, commitment, detour });
    await second.open();
    expect(await second.storedInstances(study, `${study}.1`)).toEqual(new Set());
    expect(await second.isStored(study, `${study}.1`, `${study}.1.1`)).toBe(true);
    expect((await ledger.pending(named)).map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(named.slice(1));
    await second.storeVerified(study, parts);
    expect(await ledger.pending(named)).toEqual([]);
    expect(await second.storedInstances(study, `${study}.1`)).toEqual(new Set(named));
    expect(detours).toEqual([]);
    await second.close();
  });

  it('takes what the archive lists for proof where it does not report', async () => {
    const ledger = new LedgerInMemory();
    const study = '2.25.884';
    const told: string[] = [];
    const archive = dimseArchive(
      orthanc.dicomPort,
      // Nobody listens at its port: Orthanc cannot report there.
      { callingAeTitle: 'W2' },
      { commitment: { timeoutMs: 300, ledger }, detour: ({ refused }) => void told.push(refused) },
    );
    await archive.storeVerified(study, smallCtSeries(study, {}, 2));
    expect(told.join()).toMatch(/storage commitment/);
    expect(await ledger.pending([`${study}.1.1`])).toEqual([]);
  });

  it('is looked at by the doctor, who says what fails and what to do', async () => {
    const examined = async (port: number, dimse: Readonly<Record<string, unknown>>, results = {}) => {
      const archive = {
        kind: 'dimse',
        dimse: { host: '127.0.0.1', port, calledAeTitle: 'ORTHANC', ...dimse },
      };
      const overrides = { archive, results, watch: { lookBack: 'all' } };
      const findings = await examineDimseArchive(loadConfig({ environment: {}, overrides }));
      return findings.map(({ verdict, check, what }) => `${verdict} ${check}: ${what}`);
    };
    const listen = { host: '127.0.0.1', port: ports[0] };
    const well = await examined(orthanc.dicomPort, { aeTitle: 'W1', listen });
    expect(well).toHaveLength(5);
    expect(well.filter((finding) => !finding.startsWith('ok '))).toEqual([]);
    const labelmap = await examined(
      orthanc.dicomPort,
      { aeTitle: 'W1', listen },
      { segmentation: 'labelmap' },
    );
    expect(labelmap.join('\n')).toMatch(/^problem archive: storing.*Label Map Segmentation/m);
    expect((await examined(1, {}))[0]).toMatch(/^problem archive: association.*ECONNREFUSED/);
    const busy = dimseArchive(orthanc.dicomPort, {}, { listen });
    await busy.open();
    expect((await examined(orthanc.dicomPort, { aeTitle: 'W1', listen })).join('\n')).toMatch(
      /^warning archive: own port.*EADDRINUSE/m,
    );
    await busy.close();
  });

  describe('over TLS', () => {
    let authority: TestAuthority;
    let stranger: TestAuthority;
    let secured: OrthancServer;
    let port: number;
    let own: Certificate;

    beforeAll(async () => {
      authority = createAuthority('hospital');
      stranger = createAuthority('stranger');
      const server = authority.issue('orthanc', 'DNS:localhost,IP:127.0.0.1');
      own = authority.issue('worker', 'DNS:localhost,IP:127.0.0.1');
      port = await freePort();
      secured = await startOrthanc({
        DicomTlsEnabled: true,
        DicomTlsCertificate: server.certificateFile,
        DicomTlsPrivateKey: server.keyFile,
        DicomTlsTrustedCertificates: authority.certificateFile,
        DicomTlsRemoteCertificateRequired: true,
        DicomModalities: { one: { AET: 'W1', Host: '127.0.0.1', Port: port, UseDicomTls: true } },
      });
    });
    afterAll(async () => {
      await secured?.stop();
      authority?.remove();
      stranger?.remove();
    });

    it('stores, commits, finds, gets and moves, each side with a certificate', async () => {
      const tls = { ca: authority.certificate, certificate: own.certificate, key: own.key };
      const study = '2.25.885';
      const parts = smallCtSeries(study, {}, 5);
      const listen = { host: '127.0.0.1', port, tls };
      const detours: unknown[] = [];
      for (const retrieve of ['get', 'move'] as const) {
        const archive = dimseArchive(
          secured.dicomPort,
          { tls },
          {
            retrieve,
            listen,
            commitment: { timeoutMs: 20_000, ledger: new LedgerInMemory() },
            detour: (one) => void detours.push(one),
          },
        );
        await archive.storeVerified(study, parts);
        expect(byUid(await collect(archive.retrieveSeries(study, `${study}.1`)))).toEqual(byUid(parts));
        await archive.close();
      }
      expect(detours).toEqual([]);
    });

    it('lets nobody in at the own port but those whose certificates the named authority signed', async () => {
      const tls = { ca: authority.certificate, certificate: own.certificate, key: own.key };
      const here = dimseArchive(secured.dicomPort, { tls }, { listen: { host: '127.0.0.1', port, tls } });
      await here.open();
      const calling = (mine: Partial<Certificate>) =>
        dimseArchive(port, { tls: { ...mine, ca: authority.certificate }, calledAeTitle: 'W1' }).echo();
      const { certificate, key } = stranger.issue('anybody', 'DNS:localhost');
      await expect(calling(own)).resolves.toBeUndefined();
      await expect(calling({ certificate, key })).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
      await expect(calling({})).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
      // What is still at its handshake holds nobody up.
      const silent = connect(port, '127.0.0.1');
      await once(silent, 'connect');
      await here.close();
      silent.destroy();
    });

    it('says what is wrong with certificates', async () => {
      const tls = { certificate: own.certificate, key: own.key };
      const unknown = dimseArchive(secured.dicomPort, { tls: { ...tls, ca: stranger.certificate } });
      await expect(unknown.echo()).rejects.toMatchObject({
        code: 'DICOM_WEB_UNREACHABLE',
        message: expect.stringContaining('set archive.ca'),
      });
      const nameless = dimseArchive(secured.dicomPort, { tls: { ca: authority.certificate } });
      await expect(nameless.echo()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
      const plain = dimseArchive(secured.dicomPort, { idleMs: 2_000 });
      await expect(plain.echo()).rejects.toMatchObject({ code: 'DICOM_WEB_UNREACHABLE' });
    });
  });

  describe('dcmqrscp', () => {
    const running: Dcmqrscp[] = [];
    afterAll(async () => {
      for (const one of running) await one.stop();
    });
    const start = async (...options: string[]): Promise<number> => {
      const one = await startDcmqrscp({ W1: ports[0] }, options);
      running.push(one);
      return one.port;
    };
    const parts = smallCtSeries(STUDY, { PatientID: OF_PATIENT }, 6);

    it('is searched, and gives by C-GET, or by C-MOVE where it has no C-GET, what it was sent', async () => {
      for (const options of [[], ['--disable-get']]) {
        const told: string[] = [];
        const archive = dimseArchive(
          await start(...options),
          { calledAeTitle: 'QR' },
          {
            retrieve: 'auto',
            listen: { host: '127.0.0.1', port: ports[0] },
            commitment: { timeoutMs: 1_000, ledger: new LedgerInMemory() },
            detour: ({ refused }) => void told.push(refused),
          },
        );
        await archive.echo();
        await archive.storeVerified(STUDY, parts);
        const studies = await collect(archive.searchStudies({ lookBack: 4, now: NOW, pageSize: 10 }));
        expect(uids(studies, 'StudyInstanceUID')).toEqual([STUDY]);
        const [series] = await archive.searchSeries(STUDY);
        expect(text(series ?? {}, 'NumberOfSeriesRelatedInstances')).toBe('6');
        expect(byUid(await collect(archive.retrieveSeries(STUDY, SERIES)))).toEqual(byUid(parts));
        expect(dataSetOf(await archive.retrieveInstance(STUDY, SERIES, `${SERIES}.2`))).toEqual(
          byUid(parts).get(`${SERIES}.2`),
        );
        expect(told.includes('C-GET')).toBe(options.length > 0);
        await archive.close();
      }
    });

    it('is sent implicit VR where it takes nothing else, and the values are the same', async () => {
      const archive = dimseArchive(await start('--implicit'), { calledAeTitle: 'QR' });
      await archive.storeVerified(STUDY, parts);
      const given = await archive.retrieveInstance(STUDY, SERIES, `${SERIES}.2`);
      const sent = parts.find(
        (part) => text(readValues(part, '').dataset, 'SOPInstanceUID') === `${SERIES}.2`,
      );
      const [one, other] = [readValues(given, 'given'), readValues(sent ?? new Uint8Array(), 'sent')];
      expect(one.transferSyntaxUid).toBe('1.2.840.10008.1.2');
      expect(one.dataset).toEqual(other.dataset);
    });
  });
});

/** The methods of a ledger, so that some can be replaced. */
function ledgerOf(ledger: LedgerInMemory) {
  return {
    expect: ledger.expect.bind(ledger),
    asked: ledger.asked.bind(ledger),
    pending: ledger.pending.bind(ledger),
    settled: ledger.settled.bind(ledger),
  };
}
