//! The members of Azure's records that are read, of all exporters together: Event Hubs and storage accounts
//! (learn.microsoft.com/azure/azure-monitor/essentials/activity-log-schema, …/resource-logs-schema), `az monitor
//! activity-log list` and the SDKs, Entra (…/entra/identity/monitoring-health/overview-monitoring-health).

use crate::json::{List, Raw, Str};
use crate::providers::loose::{Many, Named, object};

object!(
    /// One record.
    Record<'a> {
        time: Str<'a> = b"time",
        event_timestamp: Str<'a> = b"eventtimestamp",
        time_generated: Str<'a> = b"timegenerated",
        resource_id: Str<'a> = b"resourceid",
        operation_name: Named<'a> = b"operationname",
        category: Named<'a> = b"category",
        result_type: Str<'a> = b"resulttype",
        result_signature: Str<'a> = b"resultsignature",
        status: Named<'a> = b"status",
        sub_status: Named<'a> = b"substatus",
        // Storage.
        status_code: Str<'a> = b"statuscode",
        status_text: Str<'a> = b"statustext",
        uri: Str<'a> = b"uri",
        caller_ip: Str<'a> = b"calleripaddress",
        correlation_id: Str<'a> = b"correlationid",
        operation_id: Str<'a> = b"operationid",
        event_data_id: Str<'a> = b"eventdataid",
        identity: Identity<'a> = b"identity",
        // `az monitor` has these on the top.
        authorization: Many<Authorization<'a>> = b"authorization",
        claims: Claims<'a> = b"claims",
        caller: Str<'a> = b"caller",
        http_request: HttpRequest<'a> = b"httprequest",
        subscription_id: Str<'a> = b"subscriptionid",
        tenant_id: Str<'a> = b"tenantid",
        location: Str<'a> = b"location",
        properties: Properties<'a> = b"properties",
    }
);

object!(
    /// Who acted.
    Identity<'a> {
        authorization: Many<Authorization<'a>> = b"authorization",
        // Key Vault writes `claim`.
        claims: Claims<'a> = b"claims" | b"claim",
        // Storage.
        kind: Str<'a> = b"type",
        token_hash: Str<'a> = b"tokenhash",
        requester: Requester<'a> = b"requester",
    }
);

object!(
    /// The check of a permission.
    Authorization<'a> {
        action: Str<'a> = b"action",
        scope: Str<'a> = b"scope",
        result: Str<'a> = b"result",
        evidence: Evidence<'a> = b"evidence",
    }
);

object!(
    /// The role assignment that allowed it.
    Evidence<'a> {
        role: Str<'a> = b"role",
        principal_id: Str<'a> = b"principalid",
        principal_type: Str<'a> = b"principaltype",
    }
);

object!(
    /// The caller of a storage request.
    Requester<'a> {
        object_id: Str<'a> = b"objectid",
        tenant_id: Str<'a> = b"tenantid",
        app_id: Str<'a> = b"appid",
        upn: Str<'a> = b"upn",
    }
);

object!(
    /// The claims of the caller's token.
    Claims<'a> {
        object_id: Str<'a> = b"http://schemas.microsoft.com/identity/claims/objectidentifier" | b"oid",
        tenant_id: Str<'a> = b"http://schemas.microsoft.com/identity/claims/tenantid" | b"tid",
        issuer: Str<'a> = b"iss",
        app_id: Str<'a> = b"appid" | b"azp",
        subject: Str<'a> = b"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier" | b"sub",
        kind: Str<'a> = b"idtyp",
        scope: Str<'a> = b"http://schemas.microsoft.com/identity/claims/scope" | b"scp",
        managed_identity: Str<'a> = b"xmsmirid",
        upn: Str<'a> = b"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn" | b"upn",
        name: Str<'a> = b"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name" | b"uniquename",
        display_name: Str<'a> = b"name",
        methods: Raw<'a> = b"http://schemas.microsoft.com/claims/authnmethodsreferences" | b"amr",
        token_id: Str<'a> = b"uti",
        session_id: Str<'a> = b"http://schemas.microsoft.com/identity/claims/sid" | b"sid",
    }
);

object!(
    /// The request as `az monitor` has it.
    HttpRequest<'a> {
        client_ip: Str<'a> = b"clientipaddress",
    }
);

object!(
    /// The properties of all categories together.
    Properties<'a> {
        // Activity.
        event_data_id: Str<'a> = b"eventdataid",
        status_code: Str<'a> = b"statuscode",
        status_message: Str<'a> = b"statusmessage",
        request_body: Str<'a> = b"requestbody",
        resource_location: Str<'a> = b"resourcelocation",
        hierarchy: Str<'a> = b"hierarchy",
        // Storage and Key Vault; for Entra the record's own id.
        object_key: Str<'a> = b"objectkey",
        user_agent_header: Str<'a> = b"useragentheader",
        client_info: Str<'a> = b"clientinfo",
        http_status_code: Str<'a> = b"httpstatuscode",
        id: Str<'a> = b"id",
        // Entra.
        correlation_id: Str<'a> = b"correlationid",
        tenant_id: Str<'a> = b"tenantid",
        result: Str<'a> = b"result",
        result_reason: Str<'a> = b"resultreason",
        initiated_by: InitiatedBy<'a> = b"initiatedby",
        targets: List<Target<'a>> = b"targetresources",
        details: List<Detail<'a>> = b"additionaldetails",
        user_agent: Str<'a> = b"useragent",
        user_id: Str<'a> = b"userid",
        user_principal_name: Str<'a> = b"userprincipalname",
        user_display_name: Str<'a> = b"userdisplayname",
        home_tenant_id: Str<'a> = b"hometenantid",
        service_principal_id: Str<'a> = b"serviceprincipalid",
        service_principal_name: Str<'a> = b"serviceprincipalname",
        managed_identity_type: Str<'a> = b"managedidentitytype",
        app_id: Str<'a> = b"appid",
        app_name: Str<'a> = b"appdisplayname",
        ip: Str<'a> = b"ipaddress",
        // The application signed in to.
        resource_id: Str<'a> = b"resourceid",
        resource_principal_id: Str<'a> = b"resourceserviceprincipalid",
        status: SignInStatus<'a> = b"status",
        requirement: Str<'a> = b"authenticationrequirement",
        token_id: Str<'a> = b"uniquetokenidentifier",
        session_id: Str<'a> = b"sessionid",
        // Microsoft Graph.
        principal_id: Str<'a> = b"userprincipalobjectid",
        token_kind: Str<'a> = b"cidtyp",
        method: Str<'a> = b"requestmethod",
        uri: Str<'a> = b"requesturi",
        response_code: Str<'a> = b"responsestatuscode",
        request_id: Str<'a> = b"requestid",
        operation_id: Str<'a> = b"operationid",
        sign_in_id: Str<'a> = b"signinactivityid",
    }
);

object!(
    /// Who made a change in the directory.
    InitiatedBy<'a> {
        user: Initiator<'a> = b"user",
        app: Initiator<'a> = b"app",
    }
);

object!(
    /// A user or an application.
    Initiator<'a> {
        id: Str<'a> = b"id",
        upn: Str<'a> = b"userprincipalname",
        ip: Str<'a> = b"ipaddress",
        app_id: Str<'a> = b"appid",
        service_principal_id: Str<'a> = b"serviceprincipalid",
        name: Str<'a> = b"displayname",
    }
);

object!(
    /// What was changed in the directory.
    Target<'a> {
        id: Str<'a> = b"id",
        kind: Str<'a> = b"type",
        name: Str<'a> = b"displayname",
    }
);

object!(
    /// A detail by name.
    Detail<'a> {
        key: Str<'a> = b"key",
        value: Str<'a> = b"value",
    }
);

object!(
    /// How a sign-in ended.
    SignInStatus<'a> {
        code: Str<'a> = b"errorcode",
    }
);
