import { XMLBuilder } from 'fast-xml-parser';
import {
  AUDIT_EVENT_TYPES,
  AUDIT_EVENTS,
  AUDIT_OBJECT_TYPES,
  AUDIT_ROLES,
  type AuditCode,
  type AuditEventName,
  type AuditEventType,
  type AuditObjectKind,
  type AuditRole,
} from './codes.ts';

/** EventActionCode: create, read, update, delete, execute. */
type AuditAction = 'C' | 'R' | 'U' | 'D' | 'E';
/**
 * EventOutcomeIndicator. 0: success; 4: refused or failed, and may be repeated; 8: failed; 12: the node
 * cannot work on.
 */
type AuditOutcome = '0' | '4' | '8' | '12';

export interface AuditParticipant {
  /** A person or token by name, or a program. */
  readonly userId: string;
  readonly isRequestor: boolean;
  readonly role?: AuditRole;
  /** IP address. */
  readonly address?: string | undefined;
}

export interface AuditObject {
  readonly kind: AuditObjectKind;
  /** The opaque patient key, a Study Instance UID, or an address. */
  readonly id: string;
  /** For a query: what was asked, in place of a name. */
  readonly query?: string;
  /** What else is to be known of it, by name. */
  readonly details?: Readonly<Record<string, string>>;
}

/** One thing that somebody saw or did. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly type?: AuditEventType;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** Why it did not succeed: a stable code, no values of patients. */
  readonly outcomeDescription?: string | undefined;
  readonly at: Date;
  readonly participants: readonly AuditParticipant[];
  readonly objects?: readonly AuditObject[];
}

/** Who reports. */
export interface AuditSource {
  readonly sourceId: string;
  readonly enterpriseSiteId?: string | undefined;
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/**
 * The message in the form of PS3.15 A.5.1, on one line.
 * Order of elements as the schema has it; of attributes it has none.
 */
export function auditMessage(event: AuditEvent, source: AuditSource): string {
  const message = {
    AuditMessage: {
      EventIdentification: {
        '@EventActionCode': event.action,
        '@EventDateTime': event.at.toISOString(),
        '@EventOutcomeIndicator': event.outcome,
        EventID: coded(AUDIT_EVENTS[event.event]),
        ...(event.type ? { EventTypeCode: coded(AUDIT_EVENT_TYPES[event.type]) } : {}),
        ...(event.outcomeDescription ? { EventOutcomeDescription: clean(event.outcomeDescription) } : {}),
      },
      ActiveParticipant: event.participants.map(participant),
      AuditSourceIdentification: {
        ...(source.enterpriseSiteId ? { '@AuditEnterpriseSiteID': clean(source.enterpriseSiteId) } : {}),
        '@AuditSourceID': clean(source.sourceId),
        AuditSourceTypeCode: { '@csd-code': '4' }, // application server process
      },
      ParticipantObjectIdentification: (event.objects ?? []).map(object),
    },
  };
  return builder.build(message);
}

function participant({ userId, isRequestor, role, address }: AuditParticipant): object {
  return {
    '@UserID': clean(userId),
    '@UserIsRequestor': String(isRequestor),
    ...(address ? { '@NetworkAccessPointID': clean(address), '@NetworkAccessPointTypeCode': '2' } : {}),
    ...(role ? { RoleIDCode: coded(AUDIT_ROLES[role]) } : {}),
  };
}

function object({ kind, id, query, details = {} }: AuditObject): object {
  return {
    '@ParticipantObjectID': clean(id),
    // A person who is a patient; else a system object: a report of the node, or the query itself.
    '@ParticipantObjectTypeCode': kind === 'patient' ? '1' : '2',
    '@ParticipantObjectTypeCodeRole': kind === 'patient' ? '1' : query === undefined ? '3' : '24',
    ParticipantObjectIDTypeCode: coded(AUDIT_OBJECT_TYPES[kind]),
    ...(query === undefined
      ? { ParticipantObjectName: clean(id) } // the schema wants a name; the node gives none away
      : { ParticipantObjectQuery: Buffer.from(query).toString('base64') }),
    ParticipantObjectDetail: Object.entries(details).map(([type, value]) => ({
      '@type': clean(type),
      '@value': Buffer.from(value).toString('base64'),
    })),
  };
}

const coded = ({ code, scheme, meaning }: AuditCode): object => ({
  '@csd-code': code,
  '@codeSystemName': scheme,
  '@originalText': meaning,
});

/**
 * Names come from tokens and addresses from requests: what XML cannot hold, or would end the line, becomes a
 * space.
 */
function clean(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\u2028\u2029\ufffe\uffff]/gu, ' ');
}
