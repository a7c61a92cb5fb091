import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { AuditEvent } from '../audit/message.ts';
import { RefusalTally } from '../audit/refusals.ts';
import { AuditTrail, type AuditTrailOptions } from '../audit/trail.ts';
import { messageOf } from '../coded-error.ts';
import { type Config, ConfigError } from '../config.ts';
import { audited, refusedEarly } from '../http/security/audited.ts';
import type { Principal } from '../http/security/principal.ts';
import { hashedWords } from '../logging/identifiers.ts';
import type { OrderEvent } from '../orders/performing.ts';
import { describeFailure } from '../pipeline/failures.ts';
import { keptIdentifierKey } from './logger.ts';

const MEGABYTE = 1_000_000;

/** What the parts of the node have to say for the audit log. */
export interface NodeAudit extends AsyncDisposable {
  readonly requests: RequestHandler;
  /** A request that was refused before anything else was asked. */
  readonly refused: (request: Request, response: Response) => void;
  /** @throws why messages cannot be written now */
  readonly check: () => Promise<void>;
  readonly session: (event: 'login' | 'logout', principal: Principal, address: string) => void;
  started(): void;
  /** Instances of the study came by STOW-RS or C-STORE, and the archive has them. */
  studyReceived(studyInstanceUid: string, sender: string): void;
  /** The node took the study's images from the archive and gave it the results. */
  studyProcessed(studyInstanceUid: string, patientKeys: readonly string[]): void;
  studyFailed(studyInstanceUid: string, error: unknown): void;
  /** An operator had a patient erased from the node. */
  patientErased(patientKey: string): void;
  /** Somebody made a model the one in use. */
  modelPromoted(promotion: Promoted): void;
  /** An order was claimed, or ended. */
  orderEvent(event: OrderEvent): void;
  /** A result went to another system, or was refused there. */
  resultSent(address: string, studyInstanceUid: string, outcome: 'sent' | 'failed'): void;
  /** Records the end, where there was a beginning, and waits for the disk. */
  [Symbol.asyncDispose](): Promise<void>;
}

interface Promoted {
  readonly class: string;
  readonly modelName: string;
  readonly modelSha256: string;
  readonly former: string | undefined;
  readonly promotedBy: string;
  readonly because: string | undefined;
}

type Recorded = Pick<AuditEvent, 'event' | 'type' | 'action' | 'objects' | 'participants'> &
  Partial<Pick<AuditEvent, 'outcome' | 'outcomeDescription'>>;

/** @param archiveUrl for messages about transfers */
export function composeAudit(
  config: Config,
  { logger, now, archiveUrl }: { logger: Logger; now: () => Date; archiveUrl: string },
): NodeAudit {
  const { folder, sourceId, enterpriseSiteId, patients, maxMegabytes, keepDays } = config.audit;
  const trail =
    folder === null
      ? undefined
      : openTrail({
          folder,
          source: { sourceId, enterpriseSiteId: enterpriseSiteId ?? undefined },
          maxBytes: maxMegabytes * MEGABYTE,
          keepDays,
          onProblem: (err) => logger.error({ err }, 'the audit log cannot be written'),
          onRemoved: (files) => removed(files),
        });
  const record = (event: Recorded) => trail?.record({ outcome: '0', ...event, at: now() });
  const removed = (files: readonly string[]) => {
    logger.warn({ files }, 'days of the audit log were deleted, as audit.keepDays says');
    const objects = files.map((id) => ({ kind: 'address', id }) as const);
    record({ event: 'auditLogUsed', action: 'D', participants: [node], objects });
  };
  const refusals = new RefusalTally({ record: (event) => trail?.record(event), now });
  let isRunning = false;
  const node = { userId: sourceId, isRequestor: false, role: 'application' } as const;
  const activity = (type: 'applicationStart' | 'applicationStop') =>
    record({ event: 'applicationActivity', type, action: 'E', participants: [node] });
  const transfer = (studyInstanceUid: string, keys: readonly string[]) => ({
    event: 'instancesTransferred' as const,
    participants: [
      { userId: sourceId, isRequestor: true, role: 'destination' as const },
      { userId: archiveUrl, isRequestor: false, role: 'source' as const },
    ],
    objects: [
      { kind: 'study' as const, id: studyInstanceUid },
      ...(patients === 'key' ? [...new Set(keys)].map((id) => ({ kind: 'patient' as const, id })) : []),
    ],
  });
  let key: string | undefined;
  const requests = trail && {
    record: (event: AuditEvent) => trail.record(event),
    refusals,
    isFull: () => trail.isFull,
    hash: (text: string) => hashedWords(text, (key ??= keptIdentifierKey(config))),
    sourceId,
    basePath: config.http.basePath,
    now,
  };
  return {
    requests: requests ? audited(requests) : (_request, _response, next) => next(),
    refused: requests ? refusedEarly(requests) : () => undefined,
    check: async () => {
      if (trail?.problem) throw trail.problem;
    },
    session: (type, { name }, address) =>
      record({
        event: 'userAuthentication',
        type,
        action: 'E',
        participants: [{ userId: name, isRequestor: true, address }, node],
      }),
    started: () => {
      isRunning = true;
      activity('applicationStart');
    },
    studyReceived: (studyInstanceUid, sender) =>
      record({
        event: 'instancesTransferred',
        action: 'C',
        participants: [
          { userId: sender, isRequestor: true, role: 'source' },
          { userId: sourceId, isRequestor: false, role: 'destination' },
        ],
        objects: [{ kind: 'study', id: studyInstanceUid }],
      }),
    studyProcessed: (studyInstanceUid, keys) =>
      record({ ...transfer(studyInstanceUid, keys), action: keys.length > 0 ? 'C' : 'R' }),
    studyFailed: (studyInstanceUid, error) =>
      record({
        ...transfer(studyInstanceUid, []),
        action: 'R',
        outcome: '8',
        outcomeDescription: describeFailure(error).code,
      }),
    patientErased: (id) =>
      record({
        event: 'patientRecord',
        action: 'D',
        participants: [{ ...node, isRequestor: true }],
        objects: patients === 'key' ? [{ kind: 'patient', id }] : [],
      }),
    modelPromoted: ({ class: ofClass, modelName, modelSha256, former, promotedBy, because }) =>
      record({
        event: 'securityAlert',
        type: 'softwareConfiguration',
        action: 'E',
        participants: [{ userId: promotedBy, isRequestor: true }, node],
        objects: [
          {
            kind: 'address',
            id: `models.${ofClass}: ${modelName}`,
            details: {
              sha256: modelSha256,
              ...(former === undefined ? {} : { former }),
              ...(because === undefined ? {} : { because }),
            },
          },
        ],
      }),
    orderEvent: ({ order, what }) =>
      record({
        event: 'procedureRecord',
        action: what === 'claimed' ? 'U' : 'E',
        ...(what === 'CANCELED' || what === 'lost' ? { outcome: '4', outcomeDescription: what } : {}),
        participants: [
          { ...node, isRequestor: true },
          { userId: order.worklist || sourceId, isRequestor: false, role: 'source' },
        ],
        objects: [
          { kind: 'address', id: `${order.worklist}/workitems/${order.workitemUid}` },
          ...(order.studyInstanceUid === undefined
            ? []
            : [{ kind: 'study' as const, id: order.studyInstanceUid }]),
        ],
      }),
    resultSent: (address, studyInstanceUid, outcome) =>
      record({
        event: 'export',
        action: 'R',
        ...(outcome === 'failed' ? { outcome: '4', outcomeDescription: 'not taken' } : {}),
        participants: [
          { userId: sourceId, isRequestor: true, role: 'source' },
          { userId: address, isRequestor: false, role: 'destination' },
        ],
        objects: [{ kind: 'study', id: studyInstanceUid }],
      }),
    [Symbol.asyncDispose]: async () => {
      refusals.tell();
      if (isRunning) activity('applicationStop');
      await trail?.close();
    },
  };
}

/**
 * @throws ConfigError where the folder cannot be used: a node that may not record what is done must not start
 */
function openTrail(options: AuditTrailOptions): AuditTrail {
  try {
    return new AuditTrail(options);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ConfigError(
      `audit.folder: ${options.folder} cannot be written to (${reason}); name another one, or null ` +
        'for no audit log',
      { cause },
    );
  }
}
