//! The members of a CloudTrail record that are read.

use crate::json::{Flag, List, Slice, Str, members, object};

members!(
    /// A record. `userIdentity` and `requestParameters` stay text until they are needed.
    Record<'a> {
        event_time: Str<'a> = "eventTime",
        event_source: Str<'a> = "eventSource",
        event_name: Str<'a> = "eventName",
        event_type: Str<'a> = "eventType",
        event_category: Str<'a> = "eventCategory",
        event_id: Str<'a> = "eventID" | "eventId",
        request_id: Str<'a> = "requestID" | "requestId",
        shared_event_id: Str<'a> = "sharedEventID" | "sharedEventId",
        aws_region: Str<'a> = "awsRegion",
        source_ip_address: Str<'a> = "sourceIPAddress" | "sourceIpAddress",
        user_agent: Str<'a> = "userAgent",
        error_code: Str<'a> = "errorCode",
        error_message: Str<'a> = "errorMessage",
        recipient_account_id: Str<'a> = "recipientAccountId",
        management_event: Flag = "managementEvent",
        user_identity: Slice<'a> = "userIdentity",
        request_parameters: Slice<'a> = "requestParameters",
        response_elements: Slice<'a> = "responseElements",
        resources: List<ResourceEntry<'a>> = "resources",
        additional: Additional<'a> = "additionalEventData",
        digest_start_time: Str<'a> = "digestStartTime",
        acs_region: Str<'a> = "acsRegion",
        log_name: Str<'a> = "logName",
        operation_name: Str<'a> = "operationName",
        proto_payload: Slice<'a> = "protoPayload",
    }
);

object!(
    /// An entry of `resources`.
    ResourceEntry<'a> {
        arn: Str<'a> = "ARN" | "arn",
        account_id: Str<'a> = "accountId",
        kind: Str<'a> = "type",
    }
);

object!(
    /// `additionalEventData`.
    Additional<'a> {
        mfa_used: Flag = "MFAUsed",
    }
);

object!(
    /// `userIdentity`.
    UserIdentity<'a> {
        kind: Str<'a> = "type",
        principal_id: Str<'a> = "principalId",
        arn: Str<'a> = "arn",
        account_id: Str<'a> = "accountId",
        access_key_id: Str<'a> = "accessKeyId" | "accesKeyId",
        user_name: Str<'a> = "userName",
        invoked_by: Str<'a> = "invokedBy",
        identity_provider: Str<'a> = "identityProvider",
        credential_id: Str<'a> = "credentialId",
        session: SessionContext<'a> = "sessionContext",
        on_behalf_of: OnBehalfOf<'a> = "onBehalfOf",
    }
);

object!(
    /// `sessionContext`.
    SessionContext<'a> {
        issuer: SessionIssuer<'a> = "sessionIssuer",
        attributes: SessionAttributes<'a> = "attributes",
        source_identity: Str<'a> = "sourceIdentity",
    }
);

object!(
    /// `sessionIssuer`.
    SessionIssuer<'a> {
        kind: Str<'a> = "type",
        principal_id: Str<'a> = "principalId",
        arn: Str<'a> = "arn",
        account_id: Str<'a> = "accountId",
        user_name: Str<'a> = "userName",
    }
);

object!(
    /// `attributes` of a session.
    SessionAttributes<'a> {
        mfa_authenticated: Flag = "mfaAuthenticated",
    }
);

object!(
    /// `onBehalfOf`: the Identity Center user whose identity was propagated.
    OnBehalfOf<'a> {
        user_id: Str<'a> = "userId",
        identity_store_arn: Str<'a> = "identityStoreArn",
    }
);
