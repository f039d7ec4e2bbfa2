use super::*;

fn error(json: &[u8]) -> String {
    Snapshot::parse(json).expect_err("must not be accepted").to_string()
}

#[test]
fn other_documents_are_named() {
    assert_eq!(error(b""), "not a service-tags file: it is empty");
    assert_eq!(
        error(b"\xef\xbb\xbf<?xml version='1.0'?><Error><Message>Server busy.\nNow</Message></Error>"),
        "not a service-tags file: an XML document, saying: Server busy. Now"
    );
    assert_eq!(
        error(b"<html><head><title>404 Not Found</title>"),
        "not a service-tags file: an HTML page, saying: 404 Not Found"
    );
    assert!(error(b"[]").contains("a JSON list"));
}

#[test]
fn what_azures_own_clients_save() {
    // `az network list-service-tags`, and `Get-AzNetworkServiceTag | ConvertTo-Json -Depth 10`.
    let az = r#"{"changeNumber": "7", "cloud": "Public", "id": "/subscriptions/x", "name": "public", "nextLink": null,
        "type": "Microsoft.Network/serviceTags", "values": [{"id": "A", "name": "A", "properties": {
        "addressPrefixes": ["192.0.2.0/24"], "changeNumber": "7", "region": "", "regionId": null, "state": "GA",
        "systemService": ""}, "serviceTagChangeNumber": "7"}]}"#;
    let powershell = r#"{"Name": "Public", "Id": "/subscriptions/x", "Type": "Microsoft.Network/serviceTags",
        "Cloud": "Public", "ChangeNumber": "7", "Values": [{"Name": "A", "Id": "A", "Properties": {
        "ChangeNumber": "7", "Region": "", "SystemService": "", "AddressPrefixes": ["192.0.2.0/24"]}}]}"#;
    let [az, powershell] = [az, powershell].map(|json| Snapshot::parse(json.as_bytes()).unwrap());
    assert_eq!(az.digest(), powershell.digest());
    let wide: Vec<u8> = "\u{feff}{\"changeNumber\":7,\"cloud\":\"Public\",\"values\":[]}\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(Snapshot::parse(&wide).unwrap().change_number(), 7);
    for (cut, place) in [
        (
            r#"[{"Name": "A", "Properties": {"AddressPrefixes": "192.0.2.0/24 198.51.100.0/24"}}]"#,
            "AddressPrefixes",
        ),
        (
            r#"[{"Name": "A", "Properties": "Microsoft.Azure.Commands.Network.Models.PSServiceTagProperties"}]"#,
            "values[0]",
        ),
        (r#"["Microsoft.Azure.Commands.Network.Models.PSServiceTag"]"#, "values[0]"),
        (r#""Microsoft.Azure.Commands.Network.Models.PSServiceTag Microsoft""#, "Values"),
    ] {
        let text =
            error(format!(r#"{{"ChangeNumber": "7", "Cloud": "Public", "Values": {cut}}}"#).as_bytes());
        assert!(text.contains("-Depth 10") && text.to_lowercase().contains(&place.to_lowercase()), "{text}");
    }
}

#[test]
fn one_page_of_several_is_none() {
    for link in ["\"https://host/next\"", "\"a\\u0062\""] {
        let json = format!(r#"{{"changeNumber":"1","cloud":"Public","nextLink":{link},"values":[]}}"#);
        assert!(error(json.as_bytes()).contains("one page of several"), "{link}");
    }
    assert!(Snapshot::parse(br#"{"changeNumber":1,"cloud":"Public","nextLink":"","values":[]}"#).is_ok());
}

#[test]
fn hidden_characters_and_mapped_addresses_are_told() {
    let json = "{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":[{\"name\":\"A\\u001b[2J\",\"properties\":\
        {\"region\":\"x\u{202e}\",\"addressPrefixes\":[\"::ffff:192.0.2.1/128\",\"::ffff:0:0/96\",\"2001:db8::1\u{200b}\"]}}]}";
    let text = error(json.as_bytes());
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.contains("U+001B") && text.contains("U+202E") && text.contains("if 192.0.2.1 is meant"),
        "{text}"
    );
    assert_eq!(crate::text::hidden(&text), None);
}

#[test]
fn places_of_what_is_wrong() {
    let json = br#"{"changeNumber":1,"cloud":"Public","values":[{"name":"A","properties":{"addressPrefixes":[7]}}]}"#;
    let text = error(json);
    assert!(text.contains("values[0].properties.addressPrefixes"), "{text}");
    let text = error(&json[..60]);
    assert!(text.contains("EOF"), "{text}");
    assert!(error(br#"{"changeNumber":1,"cloud":"Mars","values":[]}"#).contains("unknown cloud `Mars`"));
}

#[test]
fn all_content_problems_at_once() {
    let json = br#"{"changeNumber":1,"cloud":"Public","values":[
        {"name":"A","properties":{"addressPrefixes":["10.0.0.1/8","x"]}},
        {"name":"a","properties":{"addressPrefixes":[]}}]}"#;
    let text = error(json);
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.contains("values[0].properties.addressPrefixes[0] (A): 10.0.0.1/8: host bits"), "{text}");
    assert!(text.contains("two tags are called"), "{text}");
}

#[test]
fn order_and_numbers_do_not_change_the_digest() {
    let a = br#"{"changeNumber":1,"cloud":"Public","values":[
        {"name":"A","properties":{"addressPrefixes":["192.0.2.0/25","192.0.2.128/26"],"networkFeatures":["NSG","API"]}},
        {"name":"B","properties":{"addressPrefixes":[]}}]}"#;
    let b = br#"{"cloud":"Public","values":[
        {"name":"B","properties":{"addressPrefixes":[],"changeNumber":"3"}},
        {"name":"A","properties":{"networkFeatures":["API","NSG"],"addressPrefixes":["192.0.2.128/26","192.0.2.0/25"]}}],
        "changeNumber":"2"}"#;
    let c = br#"{"changeNumber":1,"cloud":"Public","values":[
        {"name":"A","properties":{"addressPrefixes":["192.0.2.0/25","192.0.2.128/26"],"networkFeatures":null}},
        {"name":"B","properties":{"addressPrefixes":[]}}]}"#;
    let digest = |json: &[u8]| Snapshot::parse(json).unwrap().digest().to_owned();
    assert_eq!(digest(a), digest(b));
    assert_ne!(digest(a), digest(c));
}

#[test]
fn regions_of_names() {
    let json = br#"{"changeNumber":1,"cloud":"Public","values":[
        {"name":"Storage.FranceCentral","properties":{"region":"centralfrance","addressPrefixes":[]}},
        {"name":"Storage.EastUS","properties":{"region":"","addressPrefixes":[]}},
        {"name":"AzureFrontDoor.Frontend","properties":{"region":"","addressPrefixes":[]}},
        {"name":"Sql.MarsNorth","properties":{"region":"marsnorth","regionId":200,"addressPrefixes":[]}}]}"#;
    let snapshot = Snapshot::parse(json).unwrap();
    let region = |name: &str| snapshot.tag(name).unwrap().region().map(|r| r.location());
    assert_eq!(region("Storage.FranceCentral").as_deref(), Some("francecentral"));
    assert_eq!(region("Storage.EastUS").as_deref(), Some("eastus"));
    assert_eq!(region("AzureFrontDoor.Frontend"), None);
    assert_eq!(region("Sql.MarsNorth").as_deref(), Some("marsnorth"));
    assert!(snapshot.regions().find("Mars North").is_some());
}
