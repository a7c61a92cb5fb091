import type { Request, RequestHandler, Response } from 'express';
import type { AuditEvent, AuditObject, AuditParticipant } from '../../audit/message.ts';
import type { Refusals } from '../../audit/refusals.ts';
import { HttpError } from '../http-error.ts';
import { isSafe } from './access.ts';
import { networkOf } from './client-address.ts';
import { recordedQuery } from './recorded-query.ts';

export interface RequestAudit {
  readonly record: (event: AuditEvent) => void;
  readonly refusals: Refusals;
  /** Whether so much waits to be written that what is done now could not be recorded. */
  readonly isFull: () => boolean;
  /** Stands for what could name a patient. */
  readonly hash: (text: string) => string;
  /** How the node calls itself in the messages. */
  readonly sourceId: string;
  readonly basePath: string;
  readonly now: () => Date;
}

/** What a request was for, in the words of the audit log. */
type Purpose = Pick<AuditEvent, 'event' | 'type' | 'action' | 'objects'>;

/**
 * Records who saw or did what, once a request has been answered. Refusals are counted.
 * @throws HttpError UNAVAILABLE where nothing more can be recorded: then nobody gets to see anything
 */
export function audited(audit: RequestAudit): RequestHandler {
  const { record, refusals, isFull, basePath } = audit;
  return (request, response, next) => {
    const address = addressOf(request.originalUrl, basePath);
    if (isFull() && !PUBLIC.test(address.path)) {
      throw new HttpError('UNAVAILABLE', 'what is done cannot be recorded now; the log says why');
    }
    response.once('close', () => {
      const { principal } = response.locals;
      const { statusCode } = response;
      // What the node does with its own archive is recorded where it does it; commands beside it are
      // somebody's.
      if (principal?.by === 'own' && !address.path.startsWith('/api/')) return;
      const isRefused = statusCode >= 400 && (statusCode < 500 || !principal);
      if (!principal && !isRefused) return; // sent to the page that asks for a token
      const asked = { ...address, method: request.method, searched: response.locals.searched };
      const purpose =
        (isRefused ? refusedPurpose(statusCode, address.path, principal !== undefined) : undefined) ??
        purposeOf(asked, audit.hash);
      if (!purpose) return;
      const event = eventOf(purpose, request, response, audit);
      if (isRefused) refusals.add(kindOf(event, request, response), event);
      else record(event);
    });
    next();
  };
}

/** Of requests that are refused before anything else is asked. */
export function refusedEarly(audit: RequestAudit): (request: Request, response: Response) => void {
  return (request, response) => {
    const { path } = addressOf(request.originalUrl, audit.basePath);
    const event = eventOf(loginAt(path), request, response, { ...audit, status: TOO_MANY });
    audit.refusals.add(kindOf(event, request, response), event);
  };
}
const TOO_MANY = 429;

/** Of nobody, all refusals are one kind: what is asked for is the attacker's choice. */
function kindOf({ event, type }: AuditEvent, request: Request, { locals, statusCode }: Response): string {
  const { principal } = locals;
  const from = networkOf(request);
  return principal ? JSON.stringify([from, principal.name, event, type, statusCode]) : from;
}

function eventOf(
  purpose: Purpose,
  request: Request,
  response: Response,
  { sourceId, now, status = response.statusCode }: RequestAudit & { readonly status?: number },
): AuditEvent {
  const sends = purpose.action === 'C';
  const participants: AuditParticipant[] = [
    {
      userId: response.locals.principal?.name ?? 'unknown',
      isRequestor: true,
      address: request.ip,
      ...(purpose.event === 'instancesTransferred' ? { role: sends ? 'source' : 'destination' } : {}),
    },
    {
      userId: sourceId,
      isRequestor: false,
      role: purpose.event !== 'instancesTransferred' ? 'application' : sends ? 'destination' : 'source',
    },
  ];
  const ok = status < 400 && response.writableFinished;
  return {
    ...purpose,
    outcome: ok ? '0' : status >= 500 ? '8' : '4',
    ...(ok ? {} : { outcomeDescription: `HTTP status ${status}` }),
    at: now(),
    participants,
  };
}

/** The target of a request as it was sent: no URL at all, as far as anybody knows. */
function addressOf(target: string, basePath: string): { path: string; search: string } {
  const mark = target.indexOf('?');
  const [path, search] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
  return { path: path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path, search };
}

const loginAt = (path: string): Purpose => ({
  event: 'userAuthentication',
  type: 'login',
  action: 'E',
  objects: [{ kind: 'address', id: path }],
});

/** Wrong credentials or none, and what somebody's role, host or origin does not allow. */
function refusedPurpose(status: number, path: string, isKnown: boolean): Purpose | undefined {
  if (status === 401 || (status === TOO_MANY && !isKnown)) return loginAt(path);
  if (status === 403 || status === 421) {
    const objects: AuditObject[] = [{ kind: 'address', id: path }];
    return { event: 'securityAlert', type: 'restrictedFunction', action: 'E', objects };
  }
  return isKnown || PUBLIC.test(path) ? undefined : loginAt(path);
}

const STUDY = /\/studies\/([0-9.]+)/;
const PATIENT = /\/patients\/([0-9a-f]+)/;
/** Addresses that show nobody's data. */
const PUBLIC = /^\/(healthz|readyz|metrics|assets|login|logout|api\/(openapi\.json|events|notify))(\/|$)/;

/** Files that somebody takes away. */
const EXPORT = /(\.(csv|zip)|^\/api\/volumes\.json)\/?$/i;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  /** What was looked for, where the address does not say it. */
  readonly searched: Readonly<Record<string, string>> | undefined;
}

function purposeOf(asked: Asked, hash: RequestAudit['hash']): Purpose | undefined {
  const { method, path } = asked;
  if (PUBLIC.test(path)) return undefined;
  if (asked.searched) return queryOf(asked, hash);
  if (path.startsWith('/api/audit')) {
    return { event: 'auditLogUsed', action: 'R', objects: [{ kind: 'address', id: path }] };
  }
  const objects = objectsOf(path);
  if (path.startsWith('/dicom-web/')) return dicomWebPurpose(asked, objects, hash);
  if (!isSafe(method)) {
    const place: AuditObject = { kind: 'address', id: `${method} ${path}` };
    return { event: 'securityAlert', type: 'restrictedFunction', action: 'E', objects: [...objects, place] };
  }
  if (EXPORT.test(path)) {
    // Of nobody in particular: what was asked for says whose.
    const all = objects.length > 0 ? objects : (queryOf(asked, hash).objects ?? []);
    return { event: 'export', action: 'R', objects: all };
  }
  if (PATIENT.test(path)) return { event: 'patientRecord', action: 'R', objects };
  if (STUDY.test(path)) return { event: 'instancesAccessed', action: 'R', objects };
  if (path.startsWith('/api/results/')) {
    return { event: 'instancesAccessed', action: 'R', objects: [{ kind: 'address', id: path }] };
  }
  return queryOf(asked, hash);
}

function dicomWebPurpose(asked: Asked, objects: AuditObject[], hash: RequestAudit['hash']): Purpose {
  const { method, path } = asked;
  if (WORKITEMS.test(path)) return workitemPurpose(asked, hash);
  if (!isSafe(method)) return { event: 'instancesTransferred', action: 'C', objects };
  const isSearch = /\/(studies|series|instances)$/.test(path);
  if (isSearch) return queryOf(asked, hash);
  const isHeader = path.endsWith('/metadata');
  return { event: isHeader ? 'instancesAccessed' : 'instancesTransferred', action: 'R', objects };
}

const WORKITEMS = /^\/dicom-web\/workitems(\/|$)/;

/** An order that somebody gave, looked at or changed. */
function workitemPurpose({ method, path, ...asked }: Asked, hash: RequestAudit['hash']): Purpose {
  const isAll = /^\/dicom-web\/workitems\/?$/.test(path);
  if (isAll && isSafe(method)) return queryOf({ method, path, ...asked }, hash);
  const action = isSafe(method) ? 'R' : isAll ? 'C' : 'U';
  return { event: 'procedureRecord', action, objects: [{ kind: 'address', id: path }] };
}

function queryOf({ path, search, searched }: Asked, hash: RequestAudit['hash']): Purpose {
  const query = recordedQuery(new URLSearchParams(searched ?? search), hash);
  return { event: 'query', action: 'E', objects: [{ kind: 'address', id: path || '/', query }] };
}

function objectsOf(path: string): AuditObject[] {
  const study = STUDY.exec(path)?.[1];
  const patient = PATIENT.exec(path)?.[1];
  return [
    ...(study === undefined ? [] : [{ kind: 'study' as const, id: study }]),
    ...(patient === undefined ? [] : [{ kind: 'patient' as const, id: patient }]),
  ];
}
