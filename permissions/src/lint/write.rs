//! Findings as text, as JSON lines, and as SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use serde_json::{Value, json};

use super::{Finding, RULES, Report, Rule, Severity};

/// One line per finding: `file:line:column: severity: message [rule]`.
#[must_use]
pub fn write_text(path: &str, report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let (place, rule) = (&finding.place, finding.rule.rule());
        let severity = rule.severity.as_str();
        text.push_str(&format!(
            "{path}:{}:{}: {severity}: {} [{}]\n",
            place.line, place.column, finding.message, rule.id
        ));
    }
    if report.n_left_out > 0 {
        text.push_str(&format!("{path}: {} more findings are left out\n", report.n_left_out));
    }
    text
}

/// One JSON object per finding and line; a last one counts what was left out, if anything was.
#[must_use]
pub fn write_json(path: &str, report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let (place, rule) = (&finding.place, finding.rule.rule());
        let line = json!({
            "file": path, "line": place.line, "column": place.column, "pointer": place.pointer, "rule": rule.id,
            "severity": rule.severity.as_str(), "message": finding.message, "advice": rule.advice, "page": rule.page,
        });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    if report.n_left_out > 0 {
        text.push_str(&json!({ "file": path, "left_out": report.n_left_out }).to_string());
        text.push('\n');
    }
    text
}

/// One SARIF log over all files, with every rule and its help page; `version` is the program's.
#[must_use]
pub fn write_sarif<'r>(version: &str, files: impl IntoIterator<Item = (&'r str, &'r Report)>) -> String {
    let mut results = Vec::new();
    let mut notices = Vec::new();
    for (path, report) in files {
        results.extend(report.findings.iter().map(|finding| result(path, finding)));
        if report.n_left_out > 0 {
            let text = format!("{path}: {} more findings are left out", report.n_left_out);
            notices.push(json!({ "level": "warning", "message": { "text": text } }));
        }
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "overgrant", "semanticVersion": version, "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notices }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": rule.advice },
        "helpUri": rule.page,
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

/// SARIF's three levels have our names.
fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

fn result(path: &str, finding: &Finding) -> Value {
    let (place, rule) = (&finding.place, finding.rule.rule());
    json!({
        "ruleId": rule.id,
        "ruleIndex": finding.rule as usize,
        "level": level(rule.severity),
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(path) },
                "region": { "startLine": place.line, "startColumn": place.column },
            },
            "logicalLocations": [{ "fullyQualifiedName": place.pointer, "kind": "value" }],
        }],
        "partialFingerprints": { "rulePlaceMessage/v1": fingerprint(rule.id, finding) },
    })
}

/// A path as a URI reference: what is no part of one is percent-encoded.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const OUTSIDE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'[')
        .add(b']')
        .add(b'`')
        .add(b'\\')
        .add(b'^')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    utf8_percent_encode(path, OUTSIDE).to_string()
}

/// Stays the same when lines move: rule, pointer and message.
fn fingerprint(rule: &str, finding: &Finding) -> String {
    let parts = [rule.as_bytes(), finding.place.pointer.as_bytes(), finding.message.as_bytes()];
    schemas::Id128::of_parts(&parts).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod tests {
    use super::super::{Options, lint};
    use super::*;

    fn report() -> Report {
        let policy = "{\"Statement\":[{\"Effect\":\"Allow\",\n\"Action\":\"s3:GetObjectX\",\"Resource\":\"*\"}]}";
        lint(policy.as_bytes(), &Options::default())
    }

    #[test]
    fn a_text_line_is_what_editors_read() {
        expect_test::expect![[r"
            a b.json:1:1: warning: `Version` is missing, which means the old version [aws-version-old]
            a b.json:2:10: warning: no action is called `s3:GetObjectX`; did you mean `s3:GetObject`? [aws-unknown-action]
        "]]
        .assert_eq(&write_text("a b.json", &report()));
    }

    #[test]
    fn a_json_line_has_place_advice_and_page() {
        let text = write_json("a.json", &report());
        let line: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(line["pointer"], "/Statement/0/Action");
        assert_eq!((&line["line"], &line["column"]), (&json!(2), &json!(10)));
        assert!(line["page"].as_str().unwrap().starts_with("https://"));
    }

    #[test]
    fn sarif_has_what_code_scanning_reads() {
        let report = report();
        let text = write_sarif("0.1.0", [("a b.json", &report)]);
        let log: Value = serde_json::from_str(&text).unwrap();
        let run = &log["runs"][0];
        let result = &run["results"][1];
        let idx = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][idx]["id"], result["ruleId"]);
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b.json");
        assert_eq!(log["version"], "2.1.0");
    }

    /// The types of `serde-sarif` are made from the schema of SARIF 2.1.0: what they do not know is lost on the way through.
    #[test]
    fn sarif_is_what_its_schema_says() {
        let broken = lint(b"{\"Statement\":[{\"Effect\":\"Alow\"", &Options::default());
        let (report, nothing) = (report(), Report::default());
        let text = write_sarif("0.1.0", [("a b.json", &report), ("broken.json", &broken), ("good.json", &nothing)]);
        let log: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
        let ours: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&log).unwrap(), ours);
    }
}
