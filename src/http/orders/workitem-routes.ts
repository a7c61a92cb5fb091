import { randomUUID } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import { fromDicomJson, text } from '../../dicom/reading/dataset.ts';
import { deriveUid, isUid } from '../../dicom/uids.ts';
import type { Change, KeptWorklist } from '../../orders/kept-worklist.ts';
import { search } from '../../orders/matching.ts';
import { WorkitemInvalid } from '../../orders/new-workitem.ts';
import { HttpError } from '../http-error.ts';
import type { Role } from '../security/principal.ts';

const DICOM_JSON = 'application/dicom+json';
const TYPES = [DICOM_JSON, 'application/json'];
/** Some thousand references; who names more names too many. */
const MOST_BODY = '1mb';
/** Workitems of one answer. */
const MOST_FOUND = 200;

export interface WorkitemRoutesParts {
  readonly worklist: KeptWorklist;
  /** Path that everything is below; empty: the root. */
  readonly basePath: string;
}

/**
 * The role that a change of workitems needs: senders give orders and take them back, performers do the
 * rest.
 */
export const changeOfWorkitem = ({ method, path }: Request): Role =>
  method === 'POST' && /^\/?$|^\/[^/]+\/cancelrequest(\/|$)/i.test(path) ? 'sender' : 'operator';

/**
 * UPS-RS (PS3.18 chapter 11) on the node's own worklist: create, retrieve, update, change of state, request
 * to cancel, search. No event reports, and JSON alone. No answer ever holds a Transaction UID.
 */
export function workitemRoutes({ worklist, basePath }: WorkitemRoutesParts): Router {
  const router = express.Router();
  const root = `${basePath}/dicom-web/workitems`;
  router.use((request, response, next) => {
    response.set('Cache-Control', 'no-store');
    const length = request.get('Content-Length') ?? '0';
    const hasBody = length !== '0' || request.get('Transfer-Encoding') !== undefined;
    if (hasBody && !request.is(TYPES)) throw new HttpError('MEDIA_TYPE', `bodies are taken as ${DICOM_JSON}`);
    next();
  });
  router.use(express.json({ limit: MOST_BODY, type: TYPES, strict: true }));

  router
    .route('/')
    .get(async (request, response) => {
      answerIn(request);
      const items = await worklist.list();
      const parameters = queryOf(request);
      send(
        response,
        search(items, (item) => fromDicomJson(item), parameters, MOST_FOUND),
      );
    })
    .post(async (request, response) => {
      const uid = newUid(request);
      const creation = await valid(worklist.create(uid, request.body));
      if (creation === 'exists') throw conflict(response, root, 'The Workitem already exists.');
      if (creation === 'full') throw new HttpError('UNAVAILABLE', 'too many workitems wait already');
      if (creation === 'modified') warn(response, root, 'The Workitem was created with modifications.');
      response.status(201).location(`${root}/${uid}`).set('Content-Location', `${root}/${uid}`).end();
    })
    .all(refuseMethod('GET, POST'));

  router
    .route('/:uid')
    .get(async (request, response) => {
      answerIn(request);
      const item = await worklist.retrieve(uidOf(request));
      if (!item) throw new HttpError('NOT_FOUND', 'there is no such workitem');
      send(response, [item]);
    })
    .post(async (request, response) => {
      const change = await valid(worklist.update(uidOf(request), keyOf(request), request.body));
      answerChange(response, root, change);
    })
    .all(refuseMethod('GET, POST'));

  router
    .route(['/:uid/state', '/:uid/state/:requester'])
    .put(async (request, response) => {
      const { state, transactionUid } = await valid(Promise.resolve().then(() => wantedState(request.body)));
      const change = await worklist.changeState(uidOf(request), state, transactionUid);
      answerChange(response, root, change, state);
    })
    .all(refuseMethod('PUT'));

  router
    .route(['/:uid/cancelrequest', '/:uid/cancelrequest/:requester'])
    .post(async (request, response) => {
      const answer = await valid(worklist.requestCancel(uidOf(request), request.body));
      if (answer === 'absent') throw new HttpError('NOT_FOUND', 'there is no such workitem');
      if (answer === 'declined')
        throw conflict(response, root, 'The performer does not cancel the Workitem.');
      if (answer === 'already') warn(response, root, already('CANCELED'));
      response.status(202).end();
    })
    .all(refuseMethod('POST'));
  return router;
}

const INCONSISTENT = 'The submitted request is inconsistent with the current state of the Workitem.';
const already = (state: string): string => `The UPS is already in the requested state of ${state}.`;

function answerChange(response: Response, root: string, change: Change, state = ''): void {
  if (change === 'absent') throw new HttpError('NOT_FOUND', 'there is no such workitem');
  if (change === 'badKey') {
    warn(response, root, 'The target URI did not reference a claimed Workitem.');
    throw new HttpError('BAD_REQUEST', 'the Transaction UID is missing or incorrect');
  }
  if (change === 'conflict') throw conflict(response, root, INCONSISTENT);
  if (change === 'unfinished') {
    throw conflict(response, root, 'The Workitem does not meet the final state requirements.');
  }
  if (change === 'already') warn(response, root, already(state));
  response.status(200).end();
}

/** Some clients find the reason in this header alone (PS3.18 11.6.3.2). */
function warn(response: Response, root: string, words: string): void {
  response.set('Warning', `299 ${root}: ${words}`);
}

function conflict(response: Response, root: string, words: string): HttpError {
  warn(response, root, words);
  return new HttpError('CONFLICT', words);
}

async function valid<T>(made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (error) {
    if (error instanceof WorkitemInvalid) throw new HttpError('BAD_REQUEST', error.message);
    throw error;
  }
}

function wantedState(body: unknown): {
  state: 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';
  transactionUid: string | undefined;
} {
  const [one] = Array.isArray(body) ? body : [body];
  let dataset: ReturnType<typeof fromDicomJson>;
  try {
    dataset = fromDicomJson(one);
  } catch {
    throw new WorkitemInvalid('the body is no data set in the DICOM JSON model');
  }
  const state = text(dataset, 'ProcedureStepState');
  const transactionUid = text(dataset, 'TransactionUID');
  if (transactionUid !== undefined && !isUid(transactionUid)) {
    throw new WorkitemInvalid('TransactionUID is no UID');
  }
  if (state === 'IN PROGRESS' || state === 'COMPLETED' || state === 'CANCELED')
    return { state, transactionUid };
  throw new WorkitemInvalid('ProcedureStepState is missing, or none that can be asked for');
}

/** A bare parameter, as the standard has it; else where other servers look for it. */
function keyOf(request: Request): string | undefined {
  const parameters = queryOf(request);
  const bare = [...parameters.keys()].find((name) => isUid(name));
  const named = [...parameters].find(([name]) => name.toLowerCase() === 'transaction-uid')?.[1];
  return bare ?? named ?? inBody(request, 'TransactionUID');
}

/** The UID that the sender gave: in the address, in one of three forms, or in the body; else a new one. */
function newUid(request: Request): string {
  const parameters = queryOf(request);
  const bare = [...parameters].find(([name, value]) => value === '' && isUid(name))?.[0];
  const given =
    parameters.get('AffectedSOPInstanceUID') ??
    parameters.get('workitem') ??
    bare ??
    inBody(request, 'SOPInstanceUID');
  const uid = given ?? deriveUid('workitem', randomUUID());
  if (!isUid(uid)) throw new HttpError('BAD_REQUEST', 'the UID of the workitem is none');
  return uid;
}

/** What the body is, if it is no data set, the worklist says. */
function inBody({ body }: Request, keyword: string): string | undefined {
  const [one]: unknown[] = Array.isArray(body) ? body : [body];
  try {
    return text(fromDicomJson(one), keyword);
  } catch {
    return undefined;
  }
}

function uidOf({ params: { uid } }: Request): string {
  if (typeof uid === 'string' && isUid(uid)) return uid;
  throw new HttpError('BAD_REQUEST', 'the path names no UID of a workitem');
}

const queryOf = ({ originalUrl }: Request): URLSearchParams =>
  new URLSearchParams(originalUrl.includes('?') ? originalUrl.slice(originalUrl.indexOf('?')) : '');

function answerIn(request: Request): void {
  if (!request.accepts(TYPES))
    throw new HttpError('NOT_ACCEPTABLE', `the answer can be given as ${DICOM_JSON}`);
}

function send(response: Response, items: readonly object[]): void {
  response.status(200).type(DICOM_JSON).send(JSON.stringify(items));
}

function refuseMethod(allowed: string) {
  return (_request: Request, response: Response): never => {
    response.setHeader('Allow', allowed);
    throw new HttpError('METHOD_NOT_ALLOWED', `here one may ${allowed}`);
  };
}
