import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A data set in the DICOM JSON model. */
export type Json = Record<string, { vr: string; Value?: unknown[] }>;

type State = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';

interface Item {
  state: State;
  key: string | undefined;
  data: Json;
  /** Every state that it was in, in order. */
  readonly states: State[];
  /** Percent values that were told. */
  readonly progress: number[];
}

/** A change: to a state, or of what the workitem says. */
type Asked = 'IN PROGRESS' | 'COMPLETED' | 'CANCELED' | 'update';

/** One request that came, and what it was answered. */
interface Heard {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/**
 * A stand-in for a worklist, made from the tables of the standard and of what dcm4chee refuses; it shares no
 * code with the program. One row: what is asked for, in which state, with which key; and the answer.
 * PS3.4 CC.2.1.3 and tables CC.1.1-2, CC.2.5-3; PS3.18 11.6.3, 11.7.3.
 */
type Rule = readonly [
  asked: string,
  state: State,
  key: 'right' | 'other' | 'none' | 'any',
  status: number,
  warning?: string,
];
const RULES: readonly Rule[] = [
  ['IN PROGRESS', 'SCHEDULED', 'none', 400],
  ['IN PROGRESS', 'SCHEDULED', 'any', 200],
  ['IN PROGRESS', 'IN PROGRESS', 'any', 409, 'inconsistent with the current state'], // C302
  ['IN PROGRESS', 'COMPLETED', 'any', 409, 'inconsistent with the current state'], // C300
  ['IN PROGRESS', 'CANCELED', 'any', 409, 'inconsistent with the current state'], // C300
  ['COMPLETED', 'SCHEDULED', 'any', 409, 'inconsistent with the current state'], // C310
  ['COMPLETED', 'IN PROGRESS', 'right', 200],
  ['COMPLETED', 'IN PROGRESS', 'any', 409, 'the Transaction UID is incorrect'], // C301
  ['COMPLETED', 'COMPLETED', 'any', 200, 'already in the requested state of COMPLETED'], // B306
  ['COMPLETED', 'CANCELED', 'any', 409, 'inconsistent with the current state'],
  ['CANCELED', 'SCHEDULED', 'any', 409, 'inconsistent with the current state'],
  ['CANCELED', 'IN PROGRESS', 'right', 200],
  ['CANCELED', 'IN PROGRESS', 'any', 409, 'the Transaction UID is incorrect'],
  ['CANCELED', 'CANCELED', 'any', 200, 'already in the requested state of CANCELED'], // B304
  ['CANCELED', 'COMPLETED', 'any', 409, 'inconsistent with the current state'],
  ['SCHEDULED', 'SCHEDULED', 'any', 409], // C303
  ['SCHEDULED', 'IN PROGRESS', 'any', 409],
  ['SCHEDULED', 'COMPLETED', 'any', 409],
  ['SCHEDULED', 'CANCELED', 'any', 409],
  ['update', 'SCHEDULED', 'none', 200],
  ['update', 'SCHEDULED', 'any', 409], // C310
  ['update', 'IN PROGRESS', 'right', 200],
  ['update', 'IN PROGRESS', 'any', 409, 'did not reference a claimed Workitem'],
  ['update', 'COMPLETED', 'any', 409, 'inconsistent with the current state'], // C300; the standard says 400
  ['update', 'CANCELED', 'any', 409, 'inconsistent with the current state'],
];

/** What a workitem has to have (dcm4chee's create-iod.xml): type 1. */
const NEEDED = ['00404005', '00404041', '00741200', '00741204'];
/** What it has to say before COMPLETED. */
const FINAL = ['00404028', '00404019', '00404050', '00404051'];

export interface WorklistServer {
  readonly url: string;
  readonly items: ReadonlyMap<string, Item>;
  readonly heard: Heard[];
  /** Puts a workitem there, as an order placer does. */
  place(uid: string, data: Json): void;
  /** What is done with the next request of the kind, instead of what the rules say; once for each call. */
  trouble(
    asked: Asked,
    how: 'drop the answer' | 'status 503' | 'status 409' | 'never hear' | 'another is faster',
  ): void;
  /** What happens to the workitem from another side. */
  set(uid: string, change: { state?: State; key?: string; data?: Json }): void;
  remove(uid: string): void;
  /** The output that the workitem names, as SOP Instance UIDs, in order. */
  output(uid: string): string[];
  stop(): Promise<void>;
}

/** @param query `plain`: a server that refuses keys other than the state and the station */
export async function startWorklist({
  query = 'all',
}: {
  query?: 'all' | 'plain';
} = {}): Promise<WorklistServer> {
  const items = new Map<string, Item>();
  const heard: Heard[] = [];
  const troubles: { asked: Asked; how: string }[] = [];
  const place = (uid: string, data: Json): void => {
    for (const tag of NEEDED) if (!data[tag]?.Value?.length) throw new Error(`${tag} is missing`);
    items.set(uid, { state: 'SCHEDULED', key: undefined, data, states: ['SCHEDULED'], progress: [] });
  };

  const decide = (asked: string, item: Item, key: string | undefined): Rule => {
    const kind = key === undefined ? 'none' : key === item.key ? 'right' : 'other';
    const rule = RULES.find(
      ([what, state, one]) => what === asked && state === item.state && (one === 'any' || one === kind),
    );
    if (!rule) throw new Error(`no rule for ${asked} in ${item.state}`);
    return rule;
  };

  function answer(request: IncomingMessage, data: Json | undefined): Answer {
    const { pathname, search, searchParams } = new URL(request.url ?? '', 'http://worklist');
    const [, , uid, resource] = pathname.split('/');
    const method = request.method ?? '';
    if (uid === undefined) {
      const extra = [...searchParams.keys()].filter(
        (key) =>
          ![
            'ProcedureStepState',
            'ScheduledStationNameCodeSequence.CodeValue',
            'includefield',
            'limit',
          ].includes(key),
      );
      if (query === 'plain' && extra.length > 0) return { status: 400 };
      const state = searchParams.get('ProcedureStepState');
      const station = searchParams.get('ScheduledStationNameCodeSequence.CodeValue');
      const found = [...items].filter(([, item]) => item.state === state && stationOf(item.data) === station);
      return found.length === 0
        ? { status: 204 }
        : { status: 200, body: found.map(([one, item]) => shown(one, item)) };
    }
    const item = items.get(uid);
    if (!item) return { status: 404 };
    if (method === 'GET') return { status: 200, body: [shown(uid, item)] };
    if (!data) return { status: 400 };
    const inBody = data['00081195']?.Value?.[0] as string | undefined;
    if (method === 'PUT' && resource === 'state') {
      // dcm4chee wants to know who asks.
      if (!searchParams.get('requester')) return { status: 400 };
      const asked = String(data['00741000']?.Value?.[0]);
      const [, , , status, warning] = decide(asked, item, inBody);
      if (status !== 200 || warning !== undefined) return { status, warning };
      if (asked === 'COMPLETED' && !meetsFinal(item.data)) return { status: 409, warning: 'final state' }; // C304
      item.state = asked as State;
      item.states.push(item.state);
      if (asked === 'IN PROGRESS') item.key = inBody;
      return { status };
    }
    // The key stands in the address, bare; some servers look for it in the body.
    const [, , , status, warning] = decide('update', item, search.slice(1) || undefined);
    if (status !== 200) return { status, warning };
    if (inBody !== item.key) throw new Error('the keys of address and body differ');
    for (const [tag, element] of Object.entries(data)) if (tag !== '00081195') item.data[tag] = element;
    const progress = (data['00741002']?.Value?.[0] as Json | undefined)?.['00741004']?.Value?.[0];
    if (progress !== undefined) item.progress.push(Number(progress));
    return { status };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const data = request.method === 'GET' ? undefined : await bodyOf(request);
    const asked = request.method === 'PUT' ? String(data?.['00741000']?.Value?.[0]) : 'update';
    const at = data ? troubles.findIndex((one) => one.asked === asked) : -1;
    const how = at >= 0 ? troubles.splice(at, 1)[0]?.how : undefined;
    if (how === 'never hear') return void request.socket.destroy();
    const raced = how === 'another is faster' ? items.get(path.split(/[/?]/)[2] ?? '') : undefined;
    if (raced) {
      raced.state = 'IN PROGRESS';
      raced.key = '9.9.9';
    }
    const made = how?.startsWith('status') ? { status: Number(how.slice(7)) } : answer(request, data);
    heard.push({ method: request.method ?? '', path, status: made.status });
    if (how === 'drop the answer') return void request.socket.destroy();
    if ('warning' in made && made.warning) response.setHeader('Warning', `299 worklist: ${made.warning}`);
    response.statusCode = made.status;
    response.setHeader('Content-Type', 'application/dicom+json');
    response.end('body' in made && made.body !== undefined ? JSON.stringify(made.body) : '');
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      heard.push({ method: String(error), path: request.url ?? '', status: 500 });
      response.statusCode = 500;
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    items,
    heard,
    place,
    trouble: (asked, how) => void troubles.push({ asked, how }),
    set: (uid, { state, key, data }) => {
      const item = items.get(uid);
      if (!item) throw new Error(`no ${uid}`);
      if (state) item.states.push((item.state = state));
      if (key !== undefined) item.key = key;
      Object.assign(item.data, data);
    },
    remove: (uid) => void items.delete(uid),
    output: (uid) => outputOf(items.get(uid)?.data ?? {}),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly warning?: string | undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const [data] = JSON.parse(Buffer.concat(chunks).toString()) as [Json];
  return data;
}

const first = (data: Json | undefined, tag: string): Json | undefined =>
  data?.[tag]?.Value?.[0] as Json | undefined;
const stationOf = (data: Json): unknown => first(data, '00404025')?.['00080100']?.Value?.[0];

function shown(uid: string, { data, state }: Item): Json {
  const { '00081195': _key, ...open } = data;
  return {
    ...open,
    '00080018': { vr: 'UI', Value: [uid] },
    '00741000': { vr: 'CS', Value: [state] },
  };
}

function meetsFinal(data: Json): boolean {
  const performed = first(data, '00741216');
  return FINAL.every((tag) => (performed?.[tag]?.Value?.length ?? 0) > 0);
}

function outputOf(data: Json): string[] {
  const output = (first(data, '00741216')?.['00404033']?.Value ?? []) as Json[];
  return output
    .flatMap((item) => (item['00081199']?.Value ?? []) as Json[])
    .map((one) => String(one['00081155']?.Value?.[0]))
    .toSorted();
}
