//! The members of a `LogEntry` and its `AuditLog` that are read
//! (cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry, …/audit/auditlog/rest/Shared.Types/AuditLog).

use crate::json::{Flag, List, Raw, Str};
use crate::providers::loose::{Many, object};

object!(
    /// One entry of Cloud Logging.
    Entry<'a> {
        log_name: Str<'a> = b"logname",
        insert_id: Str<'a> = b"insertid",
        timestamp: Str<'a> = b"timestamp",
        receive_timestamp: Str<'a> = b"receivetimestamp",
        resource: Monitored<'a> = b"resource",
        operation: Operation<'a> = b"operation",
        // BigQuery's export names it after its type.
        audit: Audit<'a> = b"protopayload" | b"protopayloadauditlog",
        json_payload: Raw<'a> = b"jsonpayload",
        text_payload: Raw<'a> = b"textpayload",
        http_request: Raw<'a> = b"httprequest",
    }
);

object!(
    /// The monitored resource that the entry belongs to.
    Monitored<'a> {
        kind: Str<'a> = b"type",
        labels: Labels<'a> = b"labels",
    }
);

object!(
    /// The labels that name something.
    Labels<'a> {
        project_id: Str<'a> = b"projectid",
        folder_id: Str<'a> = b"folderid",
        organization_id: Str<'a> = b"organizationid",
        location: Str<'a> = b"location",
        region: Str<'a> = b"region",
        zone: Str<'a> = b"zone",
        cluster_name: Str<'a> = b"clustername",
        database_id: Str<'a> = b"databaseid",
        bucket_name: Str<'a> = b"bucketname",
    }
);

object!(
    /// Which records belong to one call.
    Operation<'a> {
        id: Str<'a> = b"id",
        first: Flag = b"first",
        last: Flag = b"last",
    }
);

object!(
    /// The audit record.
    Audit<'a> {
        kind: Str<'a> = b"@type" | b"atsigntype",
        service_name: Str<'a> = b"servicename",
        method_name: Str<'a> = b"methodname",
        resource_name: Str<'a> = b"resourcename",
        status: Status<'a> = b"status",
        who: Who<'a> = b"authenticationinfo",
        authorization: Many<Authorization<'a>> = b"authorizationinfo",
        from: From<'a> = b"requestmetadata",
        request: Raw<'a> = b"request",
        place: Place<'a> = b"resourcelocation",
        timestamp: Str<'a> = b"timestamp",
    }
);

object!(
    /// A `google.rpc.Status`.
    Status<'a> {
        code: Str<'a> = b"code",
    }
);

object!(
    /// `AuthenticationInfo`.
    Who<'a> {
        email: Str<'a> = b"principalemail",
        subject: Str<'a> = b"principalsubject",
        key_name: Str<'a> = b"serviceaccountkeyname",
        delegation: Many<Delegate<'a>> = b"serviceaccountdelegationinfo",
        third_party: ThirdParty<'a> = b"thirdpartyprincipal",
    }
);

object!(
    /// One link of a delegation chain.
    Delegate<'a> {
        subject: Str<'a> = b"principalsubject",
        first_party: FirstParty<'a> = b"firstpartyprincipal",
        third_party: ThirdParty<'a> = b"thirdpartyprincipal",
    }
);

object!(
    /// A Google identity.
    FirstParty<'a> {
        email: Str<'a> = b"principalemail",
    }
);

object!(
    /// Somebody else's identity, by the claims of its token.
    ThirdParty<'a> {
        claims: Claims<'a> = b"thirdpartyclaims",
    }
);

object!(
    /// The claims that name somebody.
    Claims<'a> {
        issuer: Str<'a> = b"iss",
        subject: Str<'a> = b"sub",
    }
);

object!(
    /// `AuthorizationInfo`: one permission that was checked.
    Authorization<'a> {
        permission: Str<'a> = b"permission",
        permission_type: Str<'a> = b"permissiontype",
        resource: Str<'a> = b"resource",
        granted: Flag = b"granted",
        attributes: Attributes<'a> = b"resourceattributes",
    }
);

object!(
    /// The resource of a check.
    Attributes<'a> {
        name: Str<'a> = b"name",
        kind: Str<'a> = b"type",
    }
);

object!(
    /// `RequestMetadata`.
    From<'a> {
        ip: Str<'a> = b"callerip",
        user_agent: Str<'a> = b"callersupplieduseragent",
    }
);

object!(
    /// `ResourceLocation`.
    Place<'a> {
        current: List<Str<'a>> = b"currentlocations",
    }
);
