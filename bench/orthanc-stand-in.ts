import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const StudyInstanceUID = '0020000D';

export interface StandIn {
  readonly url: string;
  /** Requests since the last call. */
  takeRequests(): number;
  /** A study that arrives now: one series, so many instances, each of them a change. */
  addStudy(studyDate: string, instances: number): void;
  close(): Promise<void>;
}

interface Study {
  readonly uid: string;
  readonly date: string;
  readonly instances: number;
}

/**
 * An archive without images that answers QIDO-RS and Orthanc's /changes as Orthanc does, to see what polling
 * costs.
 */
export async function startStandIn(): Promise<StandIn> {
  const studies: Study[] = [];
  const changes: { study: Study; type: string; id: string }[] = [];
  let requests = 0;

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const query = url.searchParams;
    if (url.pathname === '/changes') {
      const since = query.has('last') ? changes.length - 1 : Number(query.get('since'));
      const page = changes.slice(Math.max(0, since), since + Number(query.get('limit') ?? 100));
      return changePage(page, Math.max(0, since), changes.length);
    }
    if (url.pathname === '/tools/bulk-content') {
      const ids = new Set(z.object({ Resources: z.array(z.string()) }).parse(await json(request)).Resources);
      const found = new Set(changes.filter(({ id }) => ids.has(id)).map(({ study }) => study.uid));
      return [...found].map((uid) => ({ MainDicomTags: { StudyInstanceUID: uid } }));
    }
    const seriesOf = /^\/dicom-web\/studies\/([\d.]+)\/series$/.exec(url.pathname)?.[1];
    const offset = Number(query.get('offset'));
    const limit = Number(query.get('limit'));
    if (seriesOf !== undefined) {
      return studies
        .filter(({ uid }) => uid === seriesOf)
        .slice(offset, offset + limit)
        .map(seriesItem);
    }
    const from = (query.get('StudyDate') ?? '').replace(/-$/, '');
    return studies
      .filter(({ date }) => date >= from)
      .slice(offset, offset + limit)
      .map(studyItem);
  };
  const server = createServer((request, response) => {
    requests += 1;
    void answer(request).then((body) => response.end(JSON.stringify(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    takeRequests: () => {
      const taken = requests;
      requests = 0;
      return taken;
    },
    addStudy: (date, instances) => {
      const study = { uid: `1.2.3.${studies.length + 1}`, date, instances };
      studies.push(study);
      for (let instance = 0; instance < instances; instance += 1)
        changes.push({ study, type: 'NewInstance', id: `${study.uid}-${instance}` });
      changes.push(
        { study, type: 'NewSeries', id: `${study.uid}-s` },
        { study, type: 'NewStudy', id: study.uid },
      );
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function changePage(page: readonly { type: string; id: string }[], since: number, all: number): object {
  const entries = page.map(({ type, id }, index) => ({
    ChangeType: type,
    Date: '20260304T120000',
    ID: id,
    Path: `/resources/${id}`,
    ResourceType: 'Instance',
    Seq: since + index + 1,
  }));
  return { Changes: entries, Done: since + page.length >= all, Last: since + page.length };
}

const studyItem = ({ uid, date, instances }: Study): object => ({
  '00080020': { vr: 'DA', Value: [date] },
  '00080061': { vr: 'CS', Value: ['CT'] },
  '00081190': { vr: 'UR', Value: [`http://stand-in/dicom-web/studies/${uid}`] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
  '00100020': { vr: 'LO', Value: ['P-1'] },
  [StudyInstanceUID]: { vr: 'UI', Value: [uid] },
  '00201206': { vr: 'IS', Value: [1] },
  '00201208': { vr: 'IS', Value: [instances] },
});

const seriesItem = ({ uid, instances }: Study): object => ({
  '00080060': { vr: 'CS', Value: ['CT'] },
  [StudyInstanceUID]: { vr: 'UI', Value: [uid] },
  '0020000E': { vr: 'UI', Value: [`${uid}.1`] },
  '00201209': { vr: 'IS', Value: [instances] },
});
