import type { RequestHandler, Response } from 'express';
import type { AuditEvent, AuditObject, AuditParticipant } from '../../audit/message.ts';
import { isSafe } from './access.ts';

export interface RequestAudit {
  readonly record: (event: AuditEvent) => void;
  /** How the node calls itself in the messages. */
  readonly sourceId: string;
  readonly basePath: string;
  readonly now: () => Date;
}

/** What a request was for, in the words of the audit log. */
type Purpose = Pick<AuditEvent, 'event' | 'type' | 'action' | 'objects'>;

/** Records who saw or did what, once a request has been answered. */
export function audited({ record, sourceId, basePath, now }: RequestAudit): RequestHandler {
  return (request, response, next) => {
    response.once('close', () => {
      const { principal } = response.locals;
      const { path, search } = addressOf(request.originalUrl, basePath);
      // What the node does with its own archive is recorded where it does it; commands beside it are
      // somebody's.
      if (principal?.by === 'own' && !path.startsWith('/api/')) return;
      const purpose =
        refusal(response, request.headers.authorization !== undefined, path) ??
        purposeOf(request.method, path, search);
      if (!purpose) return;
      const sends = purpose.action === 'C';
      const participants: AuditParticipant[] = [
        {
          userId: principal?.name ?? 'unknown',
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
      const ok = response.statusCode < 400 && response.writableFinished;
      record({
        ...purpose,
        outcome: ok ? '0' : response.statusCode >= 500 ? '8' : '4',
        ...(ok ? {} : { outcomeDescription: `HTTP status ${response.statusCode}` }),
        at: now(),
        participants,
      });
    });
    next();
  };
}

/** The target of a request as it was sent: no URL at all, as far as anybody knows. */
function addressOf(target: string, basePath: string): { path: string; search: string } {
  const mark = target.indexOf('?');
  const [path, search] = mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
  return { path: path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path, search };
}

/** Wrong credentials, and what somebody's role, host or origin does not allow. */
function refusal({ statusCode }: Response, showedToken: boolean, path: string): Purpose | undefined {
  const objects: AuditObject[] = [{ kind: 'address', id: path }];
  if (statusCode === 401 && (showedToken || path === '/login')) {
    return { event: 'userAuthentication', type: 'login', action: 'E', objects };
  }
  if (statusCode === 403 || statusCode === 421) {
    return { event: 'securityAlert', type: 'restrictedFunction', action: 'E', objects };
  }
  return undefined;
}

const STUDY = /\/studies\/([0-9.]+)/;
const PATIENT = /\/patients\/([0-9a-f]+)/;
/** Addresses that show nobody's data. */
const PUBLIC = /^\/(healthz|readyz|metrics|assets|login|logout|api\/(openapi\.json|events|notify))(\/|$)/;

function purposeOf(method: string, path: string, search: string): Purpose | undefined {
  if (PUBLIC.test(path)) return undefined;
  if (path.startsWith('/api/audit')) {
    return { event: 'auditLogUsed', action: 'R', objects: [{ kind: 'address', id: path }] };
  }
  const objects = objectsOf(path);
  if (path.startsWith('/dicom-web/')) return dicomWebPurpose(method, path, search, objects);
  if (!isSafe(method)) {
    const place: AuditObject = { kind: 'address', id: `${method} ${path}` };
    return { event: 'securityAlert', type: 'restrictedFunction', action: 'E', objects: [...objects, place] };
  }
  if (path.endsWith('.csv')) return { event: 'export', action: 'R', objects };
  if (PATIENT.test(path)) return { event: 'patientRecord', action: 'R', objects };
  if (STUDY.test(path)) return { event: 'instancesAccessed', action: 'R', objects };
  if (path.startsWith('/api/results/')) {
    return { event: 'instancesAccessed', action: 'R', objects: [{ kind: 'address', id: path }] };
  }
  return queryOf(path, search);
}

function dicomWebPurpose(method: string, path: string, search: string, objects: AuditObject[]): Purpose {
  if (!isSafe(method)) return { event: 'instancesTransferred', action: 'C', objects };
  const isSearch = /\/(studies|series|instances)$/.test(path);
  if (isSearch) return queryOf(path, search);
  const isHeader = path.endsWith('/metadata');
  return { event: isHeader ? 'instancesAccessed' : 'instancesTransferred', action: 'R', objects };
}

const queryOf = (path: string, search: string): Purpose => ({
  event: 'query',
  action: 'E',
  objects: [{ kind: 'address', id: path || '/', query: search }],
});

function objectsOf(path: string): AuditObject[] {
  const study = STUDY.exec(path)?.[1];
  const patient = PATIENT.exec(path)?.[1];
  return [
    ...(study === undefined ? [] : [{ kind: 'study' as const, id: study }]),
    ...(patient === undefined ? [] : [{ kind: 'patient' as const, id: patient }]),
  ];
}
