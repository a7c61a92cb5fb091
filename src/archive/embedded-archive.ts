import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { codeOf } from '../coded-error.ts';
import { type DicomDataset, fromDicomJson } from '../dicom/reading/dataset.ts';
import { ArchiveError } from './archive-error.ts';
import { retrieveFrames, retrievePixelData } from './frames.ts';
import type { IndexedInstance } from './instance-index.ts';
import { InstanceStore } from './instance-store.ts';
import {
  DICOM_JSON,
  PIXEL_DATA,
  type RetrievedBody,
  retrieveInstances,
  retrieveMetadata,
} from './retrieve.ts';
import { type SearchLevel, search } from './search.ts';
import { storeInstances } from './store.ts';

/** Said wherever the embedded archive shows itself. */
export const EMBEDDED_ARCHIVE_NOTICE =
  'This embedded archive is for demonstrations and tests. It is no PACS: it has no redundancy, no audit ' +
  'trail, no transcoding and no deletion, and keeps its index in memory. Use a DICOMweb archive such as ' +
  'Orthanc for patients.';

export interface EmbeddedArchiveOptions {
  /** Where the instances are; made where it is missing. One process at a time. */
  readonly folder: string;
  /** Instances of more bytes are refused. */
  readonly maxInstanceBytes?: number;
  /**
   * Called before the sender hears that its instances are stored, also for instances that were there already.
   * Gets the study, and one of its data sets without pixels. Where it rejects, the sender is told to send
   * again.
   */
  readonly onStored?: (studyUid: string, dataset: DicomDataset) => Promise<void>;
  /** Called with errors that no request is to blame for: an unreadable file in the folder, a full disk. */
  readonly onProblem?: (message: string, error: unknown) => void;
}

export interface EmbeddedArchive {
  /** QIDO-RS, WADO-RS and STOW-RS (PS3.18), to be mounted at the service's root. */
  readonly router: Router;
  /** Resolves when all writing has ended. Stop the server that the router is mounted in first. */
  close(): Promise<void>;
}

/** Enough for the largest enhanced multi-frame CT and MR. */
const DEFAULT_MAX_INSTANCE_BYTES = 2 ** 31 - 1;

/** Opens a folder as a small DICOMweb archive; reads the headers of what is in it. */
export async function createEmbeddedArchive({
  folder,
  maxInstanceBytes = DEFAULT_MAX_INSTANCE_BYTES,
  onStored = async () => undefined,
  onProblem = () => undefined,
}: EmbeddedArchiveOptions): Promise<EmbeddedArchive> {
  const store = await InstanceStore.open(folder, (file, reason) =>
    onProblem(`${file} is no readable instance and is left out`, reason),
  );
  return {
    router: createRouter(store, { maxInstanceBytes, onStored, onProblem }),
    close: () => store.settled(),
  };
}

function createRouter(
  store: InstanceStore,
  { maxInstanceBytes, onStored, onProblem }: Required<Omit<EmbeddedArchiveOptions, 'folder'>>,
): Router {
  const router = express.Router();
  router.route('/').get((_request, response) => {
    response.json({ notice: EMBEDDED_ARCHIVE_NOTICE });
  });

  const storing = async (request: Request, response: Response): Promise<void> => {
    const answer = await storeInstances(
      store,
      {
        contentType: request.get('Content-Type'),
        // The request's own iterator, when it is left early, would close the connection before the answer is
        // sent.
        body: request.iterator({ destroyOnReturn: false }),
        studyUid: parameter(request, 'study'),
        baseUrl: baseUrlOf(request),
        maxInstanceBytes,
      },
      {
        failed: (error) => onProblem('an instance could not be written', error),
        stored: async (instances) => {
          const told = new Set<string>();
          for (const { studyUid, seriesUid, dataset } of instances) {
            if (told.has(seriesUid)) continue; // a series is all one's own, or all somebody else's
            told.add(seriesUid);
            await onStored(studyUid, fromDicomJson(dataset));
          }
        },
      },
    );
    response.status(answer.status).type(DICOM_JSON).send(JSON.stringify(answer.dataset));
  };
  const searching = (level: SearchLevel) => (request: Request, response: Response) => {
    const scope = { studyUid: parameter(request, 'study'), seriesUid: parameter(request, 'series') };
    const parameters = new URL(request.originalUrl, 'http://localhost').searchParams;
    const result = search(store.index, level, scope, parameters, baseUrlOf(request));
    for (const warning of result.warnings) response.append('Warning', `299 - "${warning}"`);
    if (result.datasets.length === 0) response.status(204).end();
    else response.type(DICOM_JSON).send(JSON.stringify(result.datasets));
  };
  const retrieving = async (request: Request, response: Response): Promise<void> => {
    await send(response, retrieveInstances(store, found(store, request), request.get('Accept')));
  };
  const describing = async (request: Request, response: Response): Promise<void> => {
    const instances = found(store, request);
    await send(response, retrieveMetadata(store, instances, request.get('Accept'), baseUrlOf(request)));
  };

  router.route('/studies').get(searching('studies')).post(storing).all(refuseMethod);
  router.route('/series').get(searching('series')).all(refuseMethod);
  router.route('/instances').get(searching('instances')).all(refuseMethod);
  const study = '/studies/:study';
  router.route(study).get(retrieving).post(storing).all(refuseMethod);
  router.route(`${study}/series`).get(searching('series')).all(refuseMethod);
  router.route(`${study}/instances`).get(searching('instances')).all(refuseMethod);
  const series = `${study}/series/:series`;
  router.route(`${series}/instances`).get(searching('instances')).all(refuseMethod);
  const instance = `${series}/instances/:instance`;
  for (const level of [series, instance]) router.route(level).get(retrieving).all(refuseMethod);
  for (const level of [study, series, instance]) {
    router.route(`${level}/metadata`).get(describing).all(refuseMethod);
  }
  router.route(`${instance}/frames/:frames`).get(async (request, response) => {
    const frames = parameter(request, 'frames') ?? '';
    await send(
      response,
      await retrieveFrames(store, foundOne(store, request), frames, request.get('Accept')),
    );
  });
  router.route(`${instance}/bulkdata/${PIXEL_DATA}`).get(async (request, response) => {
    await send(response, await retrievePixelData(store, foundOne(store, request), request.get('Accept')));
  });

  router.use((request) => {
    throw new ArchiveError(
      'ARCHIVE_NOT_FOUND',
      404,
      `${request.method} ${request.path} is nothing of DICOMweb here`,
    );
  });
  router.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    // What was stored could not be told to the node: its own answer says when to come again.
    if (codeOf(error) === 'DATABASE_UNUSABLE') return next(error);
    answerError(error, request, response, onProblem);
  });
  return router;
}

function parameter(request: Request, name: string): string | undefined {
  const value = request.params[name];
  return typeof value === 'string' ? value : undefined;
}

/** The root of the service as the client called it. */
function baseUrlOf(request: Request): string {
  const host = request.get('Host');
  return host === undefined ? request.baseUrl : `${request.protocol}://${host}${request.baseUrl}`;
}

/** The instances that the path names. */
function found(store: InstanceStore, request: Request): IndexedInstance[] {
  const [studyUid = '', seriesUid, sopUid] = ['study', 'series', 'instance'].map((name) =>
    parameter(request, name),
  );
  const instances = store.index.instances(studyUid, seriesUid, sopUid);
  if (instances.length > 0) return instances;
  throw new ArchiveError(
    'ARCHIVE_NOT_FOUND',
    404,
    'nothing of this study, series and instance is stored here',
  );
}

function foundOne(store: InstanceStore, request: Request): IndexedInstance {
  const [instance] = found(store, request);
  if (instance) return instance;
  throw new ArchiveError('ARCHIVE_NOT_FOUND', 404, 'this instance is not stored here');
}

async function send(response: Response, body: RetrievedBody): Promise<void> {
  response.status(200).setHeader('Content-Type', body.contentType);
  if (body.contentLength !== undefined) response.setHeader('Content-Length', body.contentLength);
  await pipeline(Readable.from(body.chunks), response);
}

function refuseMethod(request: Request): never {
  throw new ArchiveError('ARCHIVE_METHOD', 405, `${request.method} is not possible here`);
}

/** Errors are JSON: a stable code and a message. What is wrong with a request is never a 5xx. */
function answerError(
  error: unknown,
  request: Request,
  response: Response,
  onProblem: (message: string, error: unknown) => void,
): void {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy(); // half an answer must not look like a whole one
    return;
  }
  const refusal = asArchiveError(error);
  if (refusal.status >= 500) onProblem(`${request.method} failed`, error);
  if (!request.readableEnded) {
    // The rest of a refused body is thrown away, and the connection ends, so that no request waits behind it.
    response.setHeader('Connection', 'close');
    request.resume();
  }
  response.status(refusal.status).json({ code: refusal.code, message: refusal.message });
}

function asArchiveError(error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error;
  // Express itself refuses broken percent escapes in a path with an error of status 400.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500)
    return new ArchiveError('ARCHIVE_REQUEST', status, 'the request is malformed');
  return new ArchiveError('ARCHIVE_FAILED', 500, 'the archive failed; its log says why', { cause: error });
}
