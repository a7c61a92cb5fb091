import express, { type Request, type Response, type Router } from 'express';
import { isUid } from '../../dicom/uids.ts';
import {
  FAILURE_REASON,
  type PartOutcome,
  type StorePart,
  StoreRequestError,
  storeAnswer,
  storeParts,
} from '../../dicom/web/store-request.ts';
import { HttpError, type HttpErrorCode } from '../http-error.ts';
import { nativeDicomModel } from './native-dicom-model.ts';

/** Takes in the instances of one request. */
interface Delivery {
  readonly store: StorePart;
  /** All has come in: what `store` stored is safe when this resolves. */
  keep(): Promise<void>;
  /** The request is refused: nothing of it stays. */
  drop(): Promise<void>;
}

export interface ReceiveParts {
  /** @param studyInstanceUid of the path: every instance has to belong to it */
  readonly deliver: (studyInstanceUid: string | undefined) => Delivery;
  /** Why nothing can be taken now; undefined where there is room. Looked at before a body is read. */
  readonly noRoom: () => Promise<string | undefined>;
  /** Requests that are read at the same time. */
  readonly concurrentRequests: number;
  /** When senders that were turned away should come back. */
  readonly retryAfterSeconds: number;
}

const JSON_TYPES = ['application/dicom+json', 'application/json'] as const;
const XML_TYPE = 'application/dicom+xml';

const CODES: Readonly<Record<StoreRequestError['refusal'], HttpErrorCode>> = {
  mediaType: 'MEDIA_TYPE',
  malformedType: 'BAD_REQUEST',
  multipart: 'BAD_REQUEST',
  tooLarge: 'TOO_LARGE',
};

/**
 * STOW-RS (PS3.18 10.5), where the archive is elsewhere: takes instances and answers which of them are safe.
 * Instances are acknowledged when they are in the spool, not when they are in the archive: a sender need not
 * wait for the archive, nor does it lose a study when that is down. The answer has no RetrieveURL, as the
 * node itself gives nothing back.
 */
export function receiveRoutes(parts: ReceiveParts): Router {
  const router = express.Router();
  let underWay = 0;
  const storing = async (request: Request, response: Response): Promise<void> => {
    const studyInstanceUid = studyOf(request);
    const type = request.accepts([...JSON_TYPES, XML_TYPE]);
    if (!type) {
      const offered = [...JSON_TYPES, XML_TYPE].join(', ');
      throw new HttpError('NOT_ACCEPTABLE', `the answer can be given as ${offered}`);
    }
    if (!['', 'identity'].includes(request.get('Content-Encoding') ?? '')) {
      throw new HttpError('MEDIA_TYPE', 'bodies are taken only without a Content-Encoding');
    }
    if (underWay >= parts.concurrentRequests) {
      throw later(response, 'TOO_MANY_REQUESTS', `${underWay} requests are being stored`);
    }
    underWay += 1;
    try {
      const outcomes = await takeIn(request, response, studyInstanceUid);
      const { status, dataset } = storeAnswer(outcomes, undefined);
      const body = type === XML_TYPE ? nativeDicomModel(dataset) : JSON.stringify(dataset);
      response.status(status).type(type).send(body);
    } finally {
      underWay -= 1;
    }
  };

  /** @throws HttpError UNAVAILABLE, with Retry-After, where there is room for none of the instances */
  async function takeIn(
    request: Request,
    response: Response,
    studyInstanceUid: string | undefined,
  ): Promise<PartOutcome[]> {
    const reason = await parts.noRoom();
    if (reason !== undefined) throw later(response, 'UNAVAILABLE', reason);
    // Left early, the request's own iterator would end the connection before the answer.
    const body = request.iterator({ destroyOnReturn: false });
    const delivery = parts.deliver(studyInstanceUid);
    let outcomes: PartOutcome[];
    try {
      outcomes = await storeParts({ contentType: request.get('Content-Type'), body }, delivery.store);
    } catch (error) {
      await delivery.drop();
      if (!(error instanceof StoreRequestError)) throw error;
      throw new HttpError(CODES[error.refusal], `${error.message}; nothing of this request was stored`);
    }
    await delivery.keep();
    const isFull = outcomes.every(
      (outcome) => 'failure' in outcome && outcome.failure.reason === FAILURE_REASON.outOfResources,
    );
    if (isFull) throw later(response, 'UNAVAILABLE', 'there is no room for these instances now');
    return outcomes;
  }

  function later(response: Response, code: 'TOO_MANY_REQUESTS' | 'UNAVAILABLE', why: string): HttpError {
    response.setHeader('Retry-After', parts.retryAfterSeconds);
    return new HttpError(code, `${why}; come back in ${parts.retryAfterSeconds} s`);
  }

  router.route(['/studies', '/studies/:study']).post(storing).all(refuseMethod);
  return router;
}

function studyOf(request: Request): string | undefined {
  const { study } = request.params;
  if (study === undefined || (typeof study === 'string' && isUid(study))) return study;
  throw new HttpError('BAD_REQUEST', 'the path names no study instance UID');
}

function refuseMethod(_request: Request, response: Response): never {
  response.setHeader('Allow', 'POST');
  throw new HttpError('METHOD_NOT_ALLOWED', 'instances are only received here; the archive gives them');
}
